import type { AccumulatorModel, Graph } from '../../graph/types.ts';
import { fitsWindow, type SumRange, sumRanges } from '../../proof/accumulator.ts';
import type { IntegerLayer } from '../../proof/certify.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import type { SumStatistics } from './probe.ts';

/** True where some layer's accumulators are not proven. */
export function isCalibrated(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => 'integer' in op && op.integer?.mode === 'calibrated');
}

/** The ranges of one channel's accumulators that any input can cause (DESIGN §4), `[segment · lanes + lane]`. */
export function possibleRanges({ weights, reduction, integer, operands }: IntegerLayer, channel: number): SumRange[] {
  const { length } = reduction;
  const own = weights.data.subarray(channel * length, (channel + 1) * length);
  return sumRanges(integer.accumulator, own, operands);
}

/** True where the layer is proven, whatever was measured. */
export function isProvable(layer: IntegerLayer): boolean {
  const channels = Array.from({ length: layer.reduction.channels }, (_, o) => possibleRanges(layer, o));
  return channels.every((ranges) => ranges.every((range) => fitsWindow(range, layer.integer.accumulator.bits)));
}

/**
 * The ranges that the accumulators of each channel are taken to have: as measured, `guard` times as wide, and no wider than any input
 * makes them. Of raw sums Σ x·w: the measured ones are of x less its zero point.
 * @returns `[channel][segment · lanes + lane]`
 */
export function guardedRanges(layer: IntegerLayer, seen: SumStatistics, guard: number): SumRange[][] {
  const { reduction, integer, weights, x } = layer;
  const shifts = zeroPointShifts(integer.accumulator, weights.data, reduction.length, x.zeroPoint);
  return Array.from({ length: reduction.channels }, (_, o) =>
    possibleRanges(layer, o).map((possible, a): SumRange => {
      const i = o * seen.accumulators + a;
      const [lo, hi] = [seen.lo[i]! + shifts[i]!, seen.hi[i]! + shifts[i]!];
      const more = ((hi - lo) * (guard - 1)) / 2;
      return {
        lo: Math.max(possible.lo, Math.floor(lo - more)),
        hi: Math.min(possible.hi, Math.ceil(hi + more)),
      };
    }),
  );
}

/** The range with what its window has left over, on both sides alike, but no more than any input makes it. */
export function fillWindow(range: SumRange, possible: SumRange, bits: number): SumRange {
  const spare = 2 ** bits - 1 - (range.hi - range.lo);
  const below = Math.min(Math.max(Math.floor(spare / 2), spare - (possible.hi - range.hi)), range.lo - possible.lo);
  const above = Math.min(spare - below, possible.hi - range.hi);
  return { lo: range.lo - below, hi: range.hi + above };
}

/** zp · Σw of each accumulator. */
export function zeroPointShifts(
  model: AccumulatorModel,
  weights: Int8Array,
  length: number,
  zeroPoint: number,
): Float64Array {
  const accumulators = model.segments.length * model.lanes;
  const owner = accumulatorOfProduct(model, length);
  const shifts = new Float64Array((weights.length / length) * accumulators);
  weights.forEach((w, i) => {
    shifts[Math.floor(i / length) * accumulators + owner[i % length]!]! += w * zeroPoint;
  });
  return shifts;
}
