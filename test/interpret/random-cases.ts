import { createRandom, type Random } from '../../src/core/random.ts';
import type { Graph, OpKind, TensorId } from '../../src/graph/types.ts';
import { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { index, normalization, softmax } from './random-axes.ts';
import { addition, extremum, multiplication, prelu, unary } from './random-elementwise.ts';
import { convolution, dense, diffusion, pooling } from './random-layers.ts';
import { blocks, concatenation, padding, reshaping, resizing, slicing, transposition } from './random-movers.ts';

/** Random quantized graphs, one for each operator and seed. */

type Writer = (b: QuantizedGraphBuilder, r: Random) => TensorId;

/** A new kind goes last: its place is part of the seed. */
const writers = {
  conv2d: convolution,
  fullyConnected: dense,
  maxPool: (b, r) => pooling(b, r, 'maxPool'),
  averagePool: (b, r) => pooling(b, r, 'averagePool'),
  unary,
  add: addition,
  mul: multiplication,
  extremum,
  prelu,
  concat: concatenation,
  slice: slicing,
  pad: padding,
  reshape: reshaping,
  transpose: transposition,
  softmax,
  depthToSpace: (b, r) => blocks(b, r, 'depthToSpace'),
  spaceToDepth: (b, r) => blocks(b, r, 'spaceToDepth'),
  resize: resizing,
  argMax: index,
  lrn: normalization,
  diffuse: diffusion,
} satisfies Partial<Record<OpKind, Writer>>;

export type QuantizedKind = keyof typeof writers;

export const quantizedKinds = Object.keys(writers) as QuantizedKind[];

/** A graph of one node. */
export function randomCase(kind: QuantizedKind, seed: number): Graph {
  const b = new QuantizedGraphBuilder(`${kind} ${seed}`);
  b.output(writers[kind](b, createRandom(seed, quantizedKinds.indexOf(kind))));
  return b.build();
}
