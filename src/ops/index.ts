import type { Node, Op, OpKind, OpOf } from '../graph/types.ts';
import { add } from './add.ts';
import { affine } from './affine.ts';
import { argMax } from './arg-max.ts';
import { arithmetic } from './arithmetic.ts';
import { averagePool } from './average-pool.ts';
import { concat } from './concat.ts';
import { conv2d } from './conv2d.ts';
import type { OpDefinition } from './definition.ts';
import { depthToSpace } from './depth-to-space.ts';
import { diffuse } from './diffuse.ts';
import { extremum } from './extremum.ts';
import { fakeQuant } from './fake-quant.ts';
import { fullyConnected } from './fully-connected.ts';
import { lrn } from './lrn.ts';
import { maxPool } from './max-pool.ts';
import { mul } from './mul.ts';
import { pad } from './pad.ts';
import { prelu } from './prelu.ts';
import { reductions } from './reduce.ts';
import { reshape } from './reshape.ts';
import { resize } from './resize.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import type { SourceParser } from './source.ts';
import { spaceToDepth } from './space-to-depth.ts';
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
  mul,
  extremum,
  prelu,
  diffuse,
  concat,
  slice,
  pad,
  reshape,
  transpose,
  softmax,
  depthToSpace,
  spaceToDepth,
  resize,
  argMax,
  lrn,
  fakeQuant,
};

/** The definition of a node's operator. */
export function definitionOf(node: Node): OpDefinition<Op> {
  return definitions[node.op.kind] as unknown as OpDefinition<Op>;
}

/** ONNX operator → parser. */
export const parsers: ReadonlyMap<string, SourceParser> = new Map([
  ...Object.entries(arithmetic),
  ...Object.entries(reductions),
  ...Object.values(definitions).flatMap((d) => Object.entries(d.parsers)),
]);
