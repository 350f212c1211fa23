import type { Node, Op, OpKind, OpOf } from '../graph/types.ts';
import { add } from './add.ts';
import { affine } from './affine.ts';
import { averagePool } from './average-pool.ts';
import { concat } from './concat.ts';
import { conv2d } from './conv2d.ts';
import type { OpDefinition } from './definition.ts';
import { depthToSpace } from './depth-to-space.ts';
import { fakeQuant } from './fake-quant.ts';
import { fullyConnected } from './fully-connected.ts';
import { maxPool } from './max-pool.ts';
import { pad } from './pad.ts';
import { reshape } from './reshape.ts';
import { softmax } from './softmax.ts';
import type { SourceParser } from './source.ts';
import { transpose } from './transpose.ts';
import { unary } from './unary.ts';
import { winograd } from './winograd.ts';

/** Every operator: the compiler names one that is missing. */
const definitions: { readonly [K in OpKind]: OpDefinition<OpOf<K>> } = {
  conv2d,
  winograd,
  fullyConnected,
  maxPool,
  averagePool,
  affine,
  unary,
  add,
  concat,
  pad,
  reshape,
  transpose,
  softmax,
  depthToSpace,
  fakeQuant,
};

/** The definition of a node's operator. */
export function definitionOf(node: Node): OpDefinition<Op> {
  return definitions[node.op.kind] as unknown as OpDefinition<Op>;
}

/** ONNX operator → parser. */
export const parsers: ReadonlyMap<string, SourceParser> = new Map(
  Object.values(definitions).flatMap((d) => Object.entries(d.parsers)),
);
