import { expect } from 'vitest';
import { must } from '../../src/core/must.ts';
import { tensorOf } from '../../src/graph/build.ts';
import type { AccumulatorModel, Conv2dOp, Graph, Node } from '../../src/graph/types.ts';
import { laneOf, stepCount, stepOf } from '../../src/ops/definition.ts';
import { segmentOf } from '../../src/proof/segments.ts';
import type { Extreme } from '../../src/verify/adversarial.ts';

/** K in the lanes, flushed every `every` steps. */
export function lanes8(runLength: number, length: number, every: number): AccumulatorModel {
  const model = { bits: 16, lanes: 8, step: 16, runLength };
  const steps = stepCount(model, length);
  const segments: number[] = [];
  for (let end = every; end < steps; end += every) segments.push(end);
  return { ...model, segments: [...segments, steps] };
}

/**
 * The accumulators of one output, straight from the definition of a convolution and of the accumulator model; an index
 * outside the input is an error here: adversarial windows lie inside.
 */
export function convolutionSums(
  graph: Graph,
  node: Node<Conv2dOp>,
  values: Int8Array,
  { channel, place }: Extreme,
): number[] {
  const [x, w] = [tensorOf(graph, node.inputs[0]!), tensorOf(graph, node.inputs[1]!)];
  const [, height, width, channelsIn] = x.shape as [number, number, number, number];
  const [channels, kh, kw, perGroup] = w.shape as [number, number, number, number];
  const model = must(node.op.integer, 'integer').accumulator;
  const sums = new Array<number>(model.segments.length * model.lanes).fill(0);
  const group = Math.floor(channel / (channels / node.op.groups));
  let k = 0;
  for (let ky = 0; ky < kh; ky++) {
    for (let kx = 0; kx < kw; kx++) {
      for (let c = 0; c < perGroup; c++, k++) {
        const iy = place.y * node.op.strides[0] + ky * node.op.dilations[0] - node.op.pads[0];
        const ix = place.x * node.op.strides[1] + kx * node.op.dilations[1] - node.op.pads[1];
        expect(iy >= 0 && iy < height && ix >= 0 && ix < width).toBe(true);
        const product =
          values[(iy * width + ix) * channelsIn + group * perGroup + c]! * w.data![channel * kh * kw * perGroup + k]!;
        sums[segmentOf(model, stepOf(model, k)) * model.lanes + laneOf(model, k)]! += product;
      }
    }
  }
  return sums;
}
