import type { Products } from '../../interpret/products.ts';
import type { FittedLayer } from '../weights/layer.ts';
import { type ChannelProblem, integersOf } from './channel.ts';
import { feedbackFactor } from './feedback.ts';
import { type ChannelFit, type FitMethod, fitChannel, polish, refitted } from './fit.ts';
import { type Moments, momentsOf, type Wanted, wantedOf } from './moments.ts';
import { channelsOf, clampedTargets, type Targets, withoutOffset } from './targets.ts';

/** What a layer's dot products multiply its weights by, at the positions that it is fitted on. */
export interface Operands {
  /** Products an output. */
  readonly length: number;
  readonly groups: number;
  /** The real value of a step, and the largest magnitude in steps. */
  readonly step: number;
  readonly largest: number;
  /** A group's operands in steps, integers: rows of `length`. */
  rows(group: number): Float32Array;
}

export interface ReconstructionInput {
  readonly operands: Operands;
  readonly targets: Targets;
  /** Real weights, channels × length. */
  readonly weights: Float32Array;
  /** Where to start from, and the bounds to keep. */
  readonly fitted: FittedLayer;
  /** The nearest scale that a channel can have. */
  readonly snap: (scale: number, channel: number) => number;
  readonly method: LayerMethod;
  /** The accumulator of each product. */
  readonly accumulators: Int32Array;
  /** The real biases, where they must stay as they are. */
  readonly fixedBias?: Float32Array;
}

export interface LayerMethod extends Pick<FitMethod, 'descent'> {
  readonly feedback: boolean;
  /** How many times targets are taken anew behind the clamp. */
  readonly clampRounds: number;
}

export interface Reconstruction {
  readonly data: Int8Array;
  readonly scale: readonly number[];
  /** Real, one a channel: with which the means are right, or the fixed one. */
  readonly bias: Float64Array;
  /** The squared error of the sums relative to their variance, channels with more of it counting more. */
  readonly noise: number;
}

/** Weights are drawn to the real ones by this share of the operands' mean variance: what the samples don't tell. */
const RIDGE = 0.01;

/** Fits the layer's integer weights, scales and biases to what its sums should be. */
export async function reconstructLayer(input: ReconstructionInput, products: Products): Promise<Reconstruction> {
  const { weights } = input;
  const { length, groups } = input.operands;
  const channels = weights.length / length;
  const perGroup = channels / groups;
  const result = { data: new Int8Array(weights.length), scale: [] as number[], bias: new Float64Array(channels) };
  let [error, power] = [0, 0];
  for (let g = 0; g < groups; g++) {
    const group = await reconstructGroup(input, g, products);
    group.fits.forEach(({ q, scale }, c) => {
      result.data.set(q, (g * perGroup + c) * length);
      result.scale.push(scale);
      result.bias[g * perGroup + c] = group.bias[c]!;
      error += group.fits[c]!.error;
      power += group.power[c]!;
    });
  }
  return { ...result, noise: power === 0 ? 0 : error / power };
}

interface GroupState {
  readonly fits: readonly ChannelFit[];
  readonly bias: Float64Array;
  readonly power: Float64Array;
}

/** Channels that read the same operands. */
interface Group {
  readonly input: ReconstructionInput;
  readonly first: number;
  readonly count: number;
  readonly operands: Float32Array;
  readonly moments: Moments;
  readonly ridge: number;
}

async function reconstructGroup(input: ReconstructionInput, g: number, products: Products): Promise<GroupState> {
  const { length, groups, largest } = input.operands;
  const channels = input.weights.length / length;
  const count = channels / groups;
  const operands = input.operands.rows(g);
  const centred = input.fixedBias === undefined;
  const moments = await momentsOf(operands, { length, largest, centred }, products);
  const group: Group = { input, first: g * count, count, operands, moments, ridge: addRidge(moments) };
  const targets = channelsOf(input.targets, channels, g * count, count);
  let state = await fitGroup(group, withoutOffset(targets), products);
  for (let round = 0; round < input.method.clampRounds; round++) {
    const got = await sumsOf(group, state, products);
    state = await fitGroup(group, clampedTargets(targets, got), products, state);
  }
  return state;
}

/** Adds the ridge to the diagonal and returns it. */
function addRidge({ hessian, length }: Moments): number {
  let mean = 0;
  for (let k = 0; k < length; k++) mean += hessian[k * length + k]! / length;
  const ridge = RIDGE * mean;
  for (let k = 0; k < length; k++) hessian[k * length + k]! += ridge;
  return ridge;
}

/** The sums that the integers give, rows of the group's channels, in real units. */
async function sumsOf({ input, operands }: Group, { fits, bias }: GroupState, products: Products) {
  const { length, step } = input.operands;
  const integers = new Float32Array(fits.length * length);
  fits.forEach(({ q }, c) => {
    integers.set(q, c * length);
  });
  const sums = await products.rows(operands, integers, length);
  for (let i = 0, c = 0; i < sums.length; i++, c = c + 1 === fits.length ? 0 : c + 1) {
    sums[i] = sums[i]! * fits[c]!.scale * step + bias[c]!;
  }
  return sums;
}

/** @param before fits to go on from; without them the layer's own integers are where to start */
async function fitGroup(
  group: Group,
  targets: Float32Array,
  products: Products,
  before?: GroupState,
): Promise<GroupState> {
  const { input, first, count, operands, moments } = group;
  const { fitted, method, fixedBias } = input;
  const { length } = moments;
  const { step } = input.operands;
  const inSteps = targets.map((t, i) => (t - (fixedBias?.[first + (i % count)] ?? 0)) / step);
  const wanted = await wantedOf(operands, moments, inSteps, count, products);
  const feedback = method.feedback && before === undefined ? feedbackFactor(moments.hessian, length) : undefined;
  const problems = Array.from({ length: count }, (_, c) => problemOf(group, wanted, c));
  const fits = problems.map((problem, c) => {
    const o = first + c;
    const snap = (scale: number) => input.snap(scale, o);
    if (before !== undefined) return improved(problem, before.fits[c]!, method, snap);
    const q = fitted.rounded.data.slice(o * length, (o + 1) * length);
    return fitChannel(problem, { q, scale: fitted.rounded.scale[o]! }, { ...method, feedback }, snap);
  });
  const bias = Float64Array.from(fits, ({ q, scale }, c) => {
    if (fixedBias !== undefined) return fixedBias[first + c]!;
    return (wanted.means[c]! - scale * q.reduce((sum, w, k) => sum + w * moments.means[k]!, 0)) * step;
  });
  return { fits, bias, power: Float64Array.from(problems, (p) => p.power) };
}

function problemOf({ input, first, moments, ridge }: Group, wanted: Wanted, c: number): ChannelProblem {
  const { model, bounds } = input.fitted;
  const { length, hessian } = moments;
  const cross = wanted.cross.slice(c * length, (c + 1) * length);
  let power = wanted.power[c]!;
  for (let k = 0; k < length; k++) {
    const w = input.weights[(first + c) * length + k]!;
    cross[k]! += ridge * w;
    power += ridge * w * w;
  }
  return {
    length,
    hessian,
    wanted: cross,
    power,
    accumulators: input.accumulators,
    accumulatorCount: model.lanes * model.segments.length,
    budget: bounds.budgets[first + c]!,
    limit: bounds.limit,
    ...(bounds.pixels && { pixels: bounds.pixels }),
  };
}

/** What was found for other targets, polished for these. */
function improved(
  problem: ChannelProblem,
  { q, scale }: ChannelFit,
  { descent }: LayerMethod,
  snap: (scale: number) => number,
): ChannelFit {
  const integers = integersOf(problem, q.slice());
  return descent ? polish(problem, integers, scale, snap) : refitted(problem, integers, scale, snap);
}
