import { invariant } from '../../core/diagnostics.ts';
import type { AccumulatorModel } from '../../graph/types.ts';
import { fitsWindow, type SumRange, sumRanges } from '../../proof/accumulator.ts';
import type { Geometry } from '../k-lanes/geometry.ts';
import { measuredSums } from '../measured-sums.ts';
import type { ChannelWeights } from './weights.ts';

/** The ranges of each channel's sums: what any input can cause, or what was measured. */
export function channelRanges(g: Geometry, model: AccumulatorModel): SumRange[][] {
  const { channels, length } = g.reduction;
  const measured = measuredSums(g.integer, model);
  if (measured !== undefined) return measured.map((own) => [...own]);
  return Array.from({ length: channels }, (_, c) =>
    sumRanges(model, g.weights.subarray(c * length, (c + 1) * length), g.xRange),
  );
}

/** The ranges of a channel's sums, from the packed bytes (DESIGN §4). */
export function provenRanges(g: Geometry, model: AccumulatorModel, weights: ChannelWeights): SumRange[][] {
  const place = `node "${g.node.origin.name}" (${g.node.origin.opType})`;
  const { channels, length } = g.reduction;
  const measured = measuredSums(g.integer, model);
  return Array.from({ length: channels }, (_, c) => {
    const packed = Array.from({ length }, (_, k) => weights.data[weights.at(c, k)]!);
    const ranges = measured?.[c] ? [...measured[c]] : sumRanges(model, packed, g.xRange);
    const failing = ranges.find((range) => !fitsWindow(range, 16));
    if (failing === undefined) return ranges;
    throw invariant(`output channel ${c}: a 16-bit lane ranges over ${failing.lo}…${failing.hi}`, place);
  });
}
