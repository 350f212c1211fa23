import type { Node, Op, OpKind } from '../graph/types.ts';
import { conv2d } from './conv2d.ts';
import type { OpDefinition } from './definition.ts';
import type { SourceParser } from './source.ts';

/** Every operator: the compiler names one that is missing. */
const definitions: { readonly [K in OpKind]: OpDefinition<Extract<Op, { kind: K }>> } = {
  conv2d,
};

/** The definition of a node's operator. */
export function definitionOf(node: Node): OpDefinition<Op> {
  return definitions[node.op.kind] as unknown as OpDefinition<Op>;
}

/** ONNX operator → parser. */
export const parsers: ReadonlyMap<string, SourceParser> = new Map(
  Object.values(definitions).flatMap((d) => Object.entries(d.parsers)),
);
