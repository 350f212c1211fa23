import type { Graph } from '../../src/graph/types.ts';
import { expectFaithful, int64, type ModelSpec, type NodeSpec, random, scalar, tensor } from '../onnx/model-helper.ts';

/** Small models for the passes, run through all of them. */

/** Weights of layers on 4 channels; `first` reads 3. */
export const constants = {
  w: random([4, 4, 3, 3], 1, 0.3),
  first: random([4, 3, 3, 3], 2, 0.3),
  gamma: random([4], 3),
  beta: random([4], 4),
  mean: random([4], 5),
  variance: tensor([4], Float32Array.of(0.5, 1, 2, 0.1)),
  dense: random([4 * 8 * 6, 5], 6, 0.1),
  six: scalar(6),
  pads: int64(0, 0, 1, 1, 0, 0, 1, 1),
};

/** The optimized graph of a model on 1×3×8×6, known to compute what ONNX Runtime does. */
export async function optimized(nodes: readonly NodeSpec[], extra: Partial<ModelSpec> = {}): Promise<Graph> {
  const spec: ModelSpec = { inputs: { x: [1, 3, 8, 6] }, nodes, constants, ...extra };
  return (await expectFaithful(spec)).optimized;
}

/** 3×3, padded to the same size. */
export const conv = (x: string, w = 'w'): NodeSpec => ({
  op: 'Conv',
  inputs: [x, w],
  attributes: { pads: [1, 1, 1, 1] },
});
export const norm = (x: string): NodeSpec => ({
  op: 'BatchNormalization',
  inputs: [x, 'gamma', 'beta', 'mean', 'variance'],
});
export const relu = (x: string): NodeSpec => ({ op: 'Relu', inputs: [x] });
