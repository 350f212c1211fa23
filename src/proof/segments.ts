import type { AccumulatorModel } from '../graph/types.ts';
import { laneOf, type Reduction, stepCount, stepOf } from '../ops/definition.ts';

/** Weights of a reduction, channels × length, row-major: real or integer. */
type Weights = Float32Array | Int8Array;

/** 8: the NEON lanes, as many as the operator and the width ask for; 1: one scalar accumulator, the paper's. */
export type Lanes = 1 | 8;

/**
 * The accumulator that a layer gets, in one segment.
 * @param lanes in NEON lanes, depthwise and first layers get 16 bits where 8 are asked for: a lane of theirs holds a whole
 *   dot product or a whole row of one, and no instruction multiplies channels by channels into 8 bits any faster
 */
export function singleSegment(reduction: Reduction, bits: number, lanes: Lanes): AccumulatorModel {
  const { runLength, length } = reduction;
  const shape = laneShape(reduction, bits, lanes);
  return { ...shape, runLength, segments: [stepCount({ ...shape, runLength }, length)] };
}

/** What a kernel sums in: K in the lanes, or a channel's products, taps or whole rows of them, in the channel's lane. */
function laneShape(reduction: Reduction, bits: number, lanes: Lanes): Omit<AccumulatorModel, 'runLength' | 'segments'> {
  if (lanes === 1) return { bits, lanes: 1, step: 1 };
  const atLeast16 = bits === 8 ? 16 : bits;
  if (reduction.depthwise) return { bits: atLeast16, lanes: 1, step: 1 };
  if (reduction.shortRows && atLeast16 === 16) return { bits: 16, lanes: 1, step: reduction.runLength };
  return bits === 8 ? byteLanes : { bits, lanes: 8, step: 16 };
}

/** `vmlaq_s8`: 16 products into 16 lanes. */
const byteLanes = { bits: 8, lanes: 16, step: 16 };

/** Every step for itself: the finest segments. */
export function stepwise(model: AccumulatorModel): AccumulatorModel {
  return { ...model, segments: Array.from({ length: model.segments.at(-1)! }, (_, step) => step + 1) };
}

/** Index of the segment that a step belongs to: the first that ends behind it. */
export function segmentOf({ segments }: AccumulatorModel, step: number): number {
  let [segment, last] = [0, segments.length - 1];
  while (segment < last) {
    const middle = (segment + last) >>> 1;
    if (step < segments[middle]!) last = middle;
    else segment = middle + 1;
  }
  return segment;
}

/** For each product the index of the accumulator that sums it: `segment · lanes + lane`. */
export function accumulatorOfProduct(model: AccumulatorModel, length: number): Int32Array {
  return Int32Array.from({ length }, (_, k) => segmentOf(model, stepOf(model, k)) * model.lanes + laneOf(model, k));
}

/**
 * The model with `count` segments (fewer where there are fewer steps) of about the same Σ|w|, over all channels, each
 * channel counted relative to its own.
 */
export function balancedSegments(
  model: AccumulatorModel,
  weights: Weights,
  channels: number,
  count: number,
): AccumulatorModel {
  const steps = model.segments.at(-1)!;
  const mass = stepMass(model, weights, channels);
  const total = mass.reduce((a, b) => a + b, 0);
  const ends: number[] = [];
  let sum = 0;
  for (let step = 0; step < steps; step++) {
    sum += mass[step]!;
    const left = steps - 1 - step;
    const wanted = Math.min(count, steps) - 1 - ends.length;
    // A segment ends where its share is reached, and where the steps left are just enough for the rest.
    if (wanted > 0 && (sum >= (total * (ends.length + 1)) / count || left === wanted)) ends.push(step + 1);
  }
  return { ...model, segments: [...ends, steps] };
}

function stepMass(model: AccumulatorModel, weights: Weights, channels: number): Float64Array {
  const mass = new Float64Array(model.segments.at(-1)!);
  const length = weights.length / channels;
  const steps = Int32Array.from({ length }, (_, k) => stepOf(model, k));
  for (let o = 0; o < channels; o++) {
    let norm = 0;
    for (let k = 0; k < length; k++) norm += Math.abs(weights[o * length + k]!);
    if (norm > 0) for (let k = 0; k < length; k++) mass[steps[k]!]! += Math.abs(weights[o * length + k]!) / norm;
  }
  return mass;
}

/**
 * The model with its flushes placed from the integer weights, each as late as the budget of all channels allows. No
 * placement has fewer, as a segment that starts later can't end earlier.
 * @param budget the largest Σ|w| of one accumulator; a single step that leaves it gets a segment of its own, and no proof
 */
export function greedySegments(
  model: AccumulatorModel,
  weights: Int8Array,
  channels: number,
  budget: number,
): AccumulatorModel {
  const length = weights.length / channels;
  const sums = new Int32Array(channels * model.lanes);
  const ends: number[] = [];
  let k = 0;
  for (let step = 0; step < model.segments.at(-1)!; step++) {
    let end = k + 1;
    while (end < length && stepOf(model, end) === step) end++;
    if (!addStep(model, sums, weights, length, k, end, budget)) {
      if (step > (ends.at(-1) ?? 0)) ends.push(step);
      sums.fill(0);
      addStep(model, sums, weights, length, k, end, budget);
    }
    k = end;
  }
  return { ...model, segments: [...ends, model.segments.at(-1)!] };
}

/** Adds products `from` to `to − 1` of every channel; false where a sum leaves the budget. */
function addStep(
  model: AccumulatorModel,
  sums: Int32Array,
  weights: Int8Array,
  length: number,
  from: number,
  to: number,
  budget: number,
): boolean {
  const channels = weights.length / length;
  let fits = true;
  for (let o = 0; o < channels; o++) {
    for (let k = from; k < to; k++) {
      const at = o * model.lanes + laneOf(model, k);
      sums[at]! += Math.abs(weights[o * length + k]!);
      if (sums[at]! > budget) fits = false;
    }
  }
  return fits;
}
