import { reject } from '../../core/diagnostics.ts';
import { must } from '../../core/must.ts';
import type { QuantParams } from '../../graph/types.ts';
import type { Histogram } from '../histogram.ts';
import type { QuantizeOptions } from '../options.ts';
import type { RoundedOutput } from '../search/output-error.ts';
import type { Statistics } from '../statistics.ts';
import { type FittedLayer, fitLayer, type Layer } from '../weights/layer.ts';
import { gridOf } from './clipping.ts';
import type { ActivationGroup } from './groups.ts';

/** What a group's candidates are made from. */
export interface GroupDecision {
  readonly group: ActivationGroup;
  readonly histogram: Histogram;
  readonly layers: readonly Layer[];
  /** Readers without weights. */
  readonly others: number;
  readonly options: QuantizeOptions;
  readonly statistics: Statistics;
}

/** Whether flushes are not to be chosen, as all layers have a number of segments. */
export function hasGivenSegments(layers: readonly Layer[]): boolean {
  return layers.every(({ options: { segments } }) => typeof segments === 'number');
}

/** A layer at one width of its data, in some segments. */
export interface Measured {
  readonly segments: number | 'flush';
  readonly fitted: FittedLayer;
  /** The relative squared error of its output. */
  readonly noise: number;
}

/**
 * Rounds a layer's weights for data of that quantization and runs it on the samples.
 * @param budgetFactor so many times the budget, for estimates
 * @returns with the layer's output; undefined where no weights fit
 */
export async function measureLayer(
  { options, statistics }: GroupDecision,
  layer: Layer,
  segments: number | 'flush',
  x: QuantParams,
  budgetFactor = 1,
): Promise<(Measured & RoundedOutput) | undefined> {
  const slack = await statistics.slackOf(layer, segments, x);
  const grid = gridOf(options.requant);
  const fitted = fitLayer(layer, segments, { x, grid, budgetFactor, ...(slack && { slack }) });
  return fitted && { segments, fitted, ...(await statistics.outputError(layer, x, fitted)) };
}

/** Where no weights but 0 are proven to fit, at any of the widths that were allowed. */
export function tooNarrow(layers: readonly Layer[]) {
  const { accBits, analysis } = must(layers[0], 'layer').options;
  return reject({
    code: 'accumulator-too-narrow',
    message: `No widths of data and weights keep every sum within ${accBits} bits, as --analysis ${analysis} counts.`,
    place: `layer "${layers.map((l) => l.node.origin.name).join('", "')}"`,
    hint: 'Use --analysis weights, which takes the weights themselves into account, more bits, fewer data bits, or flushes.',
  });
}

/** One after the other: each keeps all cores busy by itself. */
export async function all<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}
