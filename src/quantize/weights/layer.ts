import { must } from '../../core/must.ts';
import { inputsOf } from '../../graph/build.ts';
import type { AccumulatorModel, Graph, Node, QuantParams } from '../../graph/types.ts';
import type { Reduction } from '../../ops/definition.ts';
import { definitionOf } from '../../ops/index.ts';
import { isByteLanes, windowBudget } from '../../proof/accumulator.ts';
import { type PixelLimit, pixelLimitOf } from '../../proof/pixel-sums.ts';
import { balancedSegments, greedySegments, singleSegment, stepwise } from '../../proof/segments.ts';
import type { LayerOptions } from '../options.ts';
import type { ScaleGrid } from '../steps/clipping.ts';
import { type WeightBounds, weightBounds } from './analysis.ts';
import { type RoundedWeights, roundWeights } from './round.ts';

/** A float layer with weights, ready to be fitted into accumulators. */
export interface Layer {
  readonly node: Node;
  readonly reduction: Reduction;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly options: LayerOptions;
  /** What the pixels that it reads keep. */
  readonly pixels?: PixelLimit;
}

/** Integer weights and the accumulators that they are proven to fit. */
export interface FittedLayer {
  readonly model: AccumulatorModel;
  readonly rounded: RoundedWeights;
  /** What other integers for the same layer have to keep. */
  readonly bounds: WeightBounds;
  /** The least scale of each channel, for its bias and its requantization. */
  readonly leastScale: Float64Array;
}

export function layerOf(graph: Graph, node: Node, options: LayerOptions): Layer {
  const inputs = inputsOf(graph, node);
  const reduction = must(definitionOf(node).reduction, `reduction of ${node.id}`)(node, inputs);
  const [weights, bias] = [inputs[1]?.data, inputs[2]?.data] as [Float32Array, Float32Array];
  const pixels = pixelLimitOf(graph, node);
  return { node, reduction, weights, bias, options, ...(pixels && { pixels }) };
}

export interface FitOptions {
  /** The input's quantization. */
  readonly x: QuantParams;
  readonly grid: ScaleGrid;
  /** The output's step, where it is known already. */
  readonly outputStep?: number;
  /** For a `calibrated` layer: see `WeightBounds`. */
  readonly slack?: ArrayLike<number>;
  /** For estimates only: so many times the budget. */
  readonly budgetFactor?: number;
}

/** Biases start below this: a corrected one still survives the way through float32 in a QDQ file (2^23). */
const LARGEST_BIAS = 2 ** 21;
/** Requantization multipliers stay above this: below it, weights add nothing to an int8 output. */
const SMALLEST_MULTIPLIER = 2 ** -20;

/**
 * Fits the layer's weights into `segments` segments, or into as few as its full-width weights need.
 * @returns undefined where the analysis allows no weights but 0
 */
export function fitLayer(layer: Layer, segments: number | 'flush', fit: FitOptions): FittedLayer | undefined {
  const { reduction, weights, options, pixels } = layer;
  const { channels } = reduction;
  const x = { lo: fit.x.qmin, hi: fit.x.qmax, ...(pixels && { pixels }) };
  const model = modelOf(layer, segments);
  const bounds = weightBounds({ ...options, reduction, model, x, ...(fit.slack && { slack: fit.slack }) });
  if (bounds.limit < 1) return undefined;
  const leastScale = leastScales(layer, fit);
  const budgets = Float64Array.from(bounds.budgets, (b) => Math.floor(b * (fit.budgetFactor ?? 1)));
  const rounded = roundWeights(weights, channels, model, { ...bounds, budgets, grid: fit.grid, leastScale });
  if (segments !== 'flush') return { model, rounded, bounds, leastScale };
  const widest = options.analysis === 'worst-case' ? rounded.data.map(() => bounds.limit) : rounded.data;
  const single = singleSegment(reduction, options.accBits, options.lanes);
  const budget = windowBudget(single.bits, x);
  return { model: greedySegments(single, widest, channels, budget), rounded, bounds, leastScale };
}

/** The accumulators that the layer's weights are rounded for: those of every step where flushes follow from the weights. */
export function modelOf({ reduction, weights, options }: Layer, segments: number | 'flush'): AccumulatorModel {
  const single = singleSegment(reduction, options.accBits, options.lanes);
  if (segments === 'flush') return stepwise(single);
  // The worst case knows no weights: segments of as many products.
  const mass = options.analysis === 'worst-case' ? weights.map(() => 1) : weights;
  return balancedSegments(single, mass, reduction.channels, segments);
}

function leastScales({ bias }: Layer, { x, outputStep = 0 }: FitOptions): Float64Array {
  const step = x.scale[0]!;
  return Float64Array.from(bias, (b) =>
    Math.max(Math.abs(b) / (step * LARGEST_BIAS), (outputStep * SMALLEST_MULTIPLIER) / step, 2 ** -100),
  );
}

/**
 * Executed instructions that flushing costs a layer: a widening add (from 8 bits two) and a reset for each vector of
 * accumulators, which belong to one output, or to 8 of them in a depthwise layer.
 */
export function flushInstructions({ reduction }: Layer, model: AccumulatorModel): number {
  const outputs = reduction.macs / reduction.length;
  const each = isByteLanes(model) ? 3 : 2;
  return ((model.segments.length - 1) * each * outputs) / (reduction.depthwise ? 8 : 1);
}
