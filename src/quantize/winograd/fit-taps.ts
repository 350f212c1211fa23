import type { Products } from '../../interpret/products.ts';
import { constantTap, type WinogradTransforms } from '../../numeric/winograd.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import { snapped } from '../reconstruct/at-layer.ts';
import { type LayerMethod, type Reconstruction, reconstructLayer } from '../reconstruct/layer.ts';
import type { FittedLayer } from '../weights/layer.ts';
import type { RoundedWeights } from '../weights/round.ts';
import { sampleTaps, type TapInput } from './sampled-taps.ts';

export interface TapProblem extends TapInput {
  /** The transformed real weights, (outputs · taps) × channels. */
  readonly weights: Float32Array;
  /** Where to start from, and the bounds to keep: a channel for each row of the weights. */
  readonly start: FittedLayer;
  readonly method: LayerMethod;
}

/**
 * Fits the integer weights of one tap after the other, as direct layers' are: each to the sums that real weights would make of the
 * transformed input before it was rounded. What taps fitted before have put into a tile's outputs beyond that is taken off
 * again, as far as the tap at hand can: the outputs are what counts, and 36 taps share 16 of them.
 */
export async function fitTaps(
  problem: TapProblem,
  products: Products,
): Promise<Pick<RoundedWeights, 'data' | 'scale'>> {
  const { source, input, weights } = problem;
  const { transforms } = source;
  const taps = transforms.size ** 2;
  const channels = source.shape[3]!;
  const data = new Int8Array(weights.length);
  const scale = new Array<number>(weights.length / channels);
  const sampled = sampleTaps(problem);
  // [output of a tile][tile][channel]
  const errors = Array.from({ length: transforms.tile ** 2 }, () => {
    return new Float32Array((sampled.tiles * weights.length) / (taps * channels));
  });
  for (let tap = 0; tap < taps; tap++) {
    const [steps, real] = [sampled.steps[tap]!, sampled.real[tap]!];
    const unit = (problem.step * 2 ** 15) / input.multiplier[tap]!;
    const wanted = await products.rows(real, rowsOfTap(weights, tap, taps, channels), channels);
    const shares = outputShares(transforms, tap);
    const fit = await fitTap(problem, tap, { steps, unit, sums: withoutErrors(wanted, errors, shares) }, products);
    fit.scale.forEach((s, o) => {
      data.set(fit.data.subarray(o * channels, (o + 1) * channels), (o * taps + tap) * channels);
      scale[o * taps + tap] = s;
    });
    const got = await products.rows(steps, Float32Array.from(fit.data), channels);
    addErrors(errors, shares, errorOf(got, wanted, unit, fit));
  }
  return { data, scale };
}

/** @param samples of the tap: its values in steps of the real size `unit`, and what its sums should be */
function fitTap(
  { source, weights, start, method }: TapProblem,
  tap: number,
  { steps, unit, sums }: { readonly steps: Float32Array; readonly unit: number; readonly sums: Float32Array },
  products: Products,
): Promise<Reconstruction> {
  const taps = source.transforms.size ** 2;
  const channels = source.shape[3]!;
  const outputs = weights.length / (taps * channels);
  const ofTap = <T>(rows: ArrayLike<T>): T[] => Array.from({ length: outputs }, (_, o) => rows[o * taps + tap]!);
  const leastScale = Float64Array.from(ofTap(start.leastScale));
  const { data, scale } = start.rounded;
  return reconstructLayer(
    {
      operands: {
        length: channels,
        groups: 1,
        step: unit,
        largest: steps.reduce((most, v) => Math.max(most, Math.abs(v)), 1),
        rows: () => steps,
      },
      targets: { sums, lo: -Infinity, hi: Infinity },
      weights: rowsOfTap(weights, tap, taps, channels),
      fitted: {
        ...start,
        leastScale,
        bounds: { ...start.bounds, budgets: ofTap(start.bounds.budgets) },
        rounded: { data: rowsOfTap(data, tap, taps, channels), scale: ofTap(scale), noise: 0 },
      },
      snap: (s, o) => snapped(s, leastScale[o]!, 'float32'),
      method: { ...method, clampRounds: 0 },
      accumulators: accumulatorOfProduct(start.model, channels),
      // The bias enters the outputs by one tap: only there it makes up for the mean.
      ...(tap === constantTap(source.transforms) ? {} : { fixedBias: new Float32Array(outputs) }),
    },
    products,
  );
}

/** Of each output channel the row of one tap, channels × length. */
function rowsOfTap<T extends Float32Array | Int8Array>(rows: T, tap: number, taps: number, length: number): T {
  const own = rows.slice(0, rows.length / taps) as T;
  for (let o = 0; o < own.length / length; o++) {
    const from = (o * taps + tap) * length;
    own.set(rows.subarray(from, from + length), o * length);
  }
  return own;
}

/** What each output of a tile takes of a tap. */
function outputShares({ output, size }: WinogradTransforms, tap: number): number[] {
  return output.flatMap((row) => output.map((column) => row[Math.floor(tap / size)]! * column[tap % size]!));
}

/** The sums with which the tap, as it enters the outputs, takes off the most of their errors: least squares. */
function withoutErrors(wanted: Float32Array, errors: readonly Float32Array[], shares: readonly number[]): Float32Array {
  const power = shares.reduce((sum, share) => sum + share * share, 0);
  const sums = wanted.slice();
  shares.forEach((share, k) => {
    if (share === 0) return;
    const error = errors[k]!;
    for (let i = 0; i < sums.length; i++) sums[i]! -= (share / power) * error[i]!;
  });
  return sums;
}

function errorOf(got: Float32Array, wanted: Float32Array, unit: number, { scale, bias }: Reconstruction): Float32Array {
  return got.map((sum, i) => sum * unit * scale[i % scale.length]! + bias[i % scale.length]! - wanted[i]!);
}

function addErrors(errors: readonly Float32Array[], shares: readonly number[], error: Float32Array): void {
  shares.forEach((share, k) => {
    if (share === 0) return;
    const sum = errors[k]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += share * error[i]!;
  });
}
