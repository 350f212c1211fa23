import type { WinogradInput } from '../../graph/types.ts';
import { constantTap, type WinogradTransforms } from '../../numeric/winograd.ts';
import type { TapHistogram } from './tiles.ts';

/** How the taps of a layer's transformed input are rounded, with the least squared error for each tap. */
export function chooseInput(
  transforms: WinogradTransforms,
  histograms: readonly TapHistogram[],
  bits: number,
): WinogradInput {
  const qmax = 2 ** (bits - 1) - 1;
  // Narrowing clamps to 8 bits for nothing; other clamps may as well be symmetric.
  const qmin = bits === 8 ? -128 : -qmax;
  const centred = constantTap(transforms);
  const choices = histograms.map((h, tap) => (tap === centred ? bestWindow(h, qmin, qmax) : bestStep(h, qmin, qmax)));
  return { multiplier: choices.map(({ multiplier }) => multiplier), offset: choices[centred]!.offset, qmin, qmax };
}

interface Choice {
  readonly multiplier: number;
  readonly offset: number;
  readonly error: number;
}

const ratios = Array.from({ length: 40 }, (_, i) => 0.93 ** i);

/** Steps below 1 would say nothing more. */
function multiplierOf(step: number): number {
  return Math.min(2 ** 15 - 1, Math.max(1, Math.round(2 ** 15 / step)));
}

/** Around zero: values as large as the largest, or, for a finer step, not quite. */
function bestStep(histogram: TapHistogram, qmin: number, qmax: number): Choice {
  const { lo, hi } = extent(histogram);
  const largest = Math.max(-lo, hi, 1);
  return best(
    histogram,
    ratios.map((ratio) => ({ multiplier: multiplierOf((largest * ratio) / qmax), offset: 0 })),
    qmin,
    qmax,
  );
}

/** Shares of the values that may lie below the window. */
const tails = [0, 0.0005, 0.002, 0.01];

/** Around the middle of a window. */
function bestWindow(histogram: TapHistogram, qmin: number, qmax: number): Choice {
  const { hi } = extent(histogram);
  const candidates = tails.flatMap((tail) => {
    const lo = quantile(histogram, tail);
    return ratios.map((ratio) => {
      const multiplier = multiplierOf(Math.max(1, (hi - lo) * ratio) / (qmax - qmin));
      return { multiplier, offset: qmin - Math.round((lo * multiplier) / 2 ** 15) };
    });
  });
  return best(histogram, candidates, qmin, qmax);
}

function best(
  histogram: TapHistogram,
  candidates: readonly Omit<Choice, 'error'>[],
  qmin: number,
  qmax: number,
): Choice {
  const choices = candidates.map((c) => ({ ...c, error: squaredError(histogram, c, qmin, qmax) }));
  return choices.reduce((a, b) => (b.error < a.error ? b : a));
}

/** Σ (v − what its int8 value stands for)². */
function squaredError(
  { from, counts }: TapHistogram,
  { multiplier, offset }: Omit<Choice, 'error'>,
  qmin: number,
  qmax: number,
): number {
  let error = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    const v = from + i;
    const q = Math.floor((v * multiplier + 2 ** 14) / 2 ** 15) + offset;
    const difference = v - ((q < qmin ? qmin : q > qmax ? qmax : q) - offset) * (2 ** 15 / multiplier);
    error += count * difference * difference;
  }
  return error;
}

function extent({ from, counts }: TapHistogram): { lo: number; hi: number } {
  const lo = counts.findIndex((n) => n > 0);
  if (lo < 0) return { lo: 0, hi: 0 };
  return { lo: from + lo, hi: from + counts.findLastIndex((n) => n > 0) };
}

function quantile({ from, counts }: TapHistogram, share: number): number {
  const total = counts.reduce((a, b) => a + b, 0);
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i]!;
    if (sum > share * total) return from + i;
  }
  return from;
}
