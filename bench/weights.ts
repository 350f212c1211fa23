import { createRandom } from '../src/core/random.ts';
import type { AccumulatorModel } from '../src/graph/types.ts';
import type { WinogradTile } from '../src/numeric/winograd.ts';
import { windowBudget } from '../src/proof/accumulator.ts';
import { accumulatorOfProduct, greedySegments } from '../src/proof/segments.ts';
import { armv7Neon } from '../src/targets/armv7-neon.ts';
import { armv82Dotprod } from '../src/targets/armv8.2-dotprod.ts';
import { armv86I8mm } from '../src/targets/armv8.6-i8mm.ts';
import type { Target } from '../src/targets/target.ts';
import type { SchemeName } from './specification.ts';

/** How the sums of a layer are accumulated, and what weights it has. */
export interface Scheme {
  readonly name: SchemeName;
  readonly dataBits: number;
  readonly accumulatorBits: 8 | 16;
  readonly weights:
    | { readonly draw: 'fill'; readonly segments: number }
    | { readonly draw: 'uniform'; readonly largest: number }
    | { readonly draw: 'normal'; readonly largest: number; readonly steps?: number }
    | { readonly draw: 'fitted'; readonly largest: number };
  /** In the Winograd domain, with weights of its own; `exact` without rounding its input. */
  readonly winograd?: { readonly tile: WinogradTile; readonly exact?: true };
  /** armv8-a where absent. */
  readonly target?: Target;
}

/** Full-width weights, which sums in 32 bits by hardware hold. */
const wide = { draw: 'uniform', largest: 127 } as const;

const filled = { draw: 'fill', segments: 1 } as const;

const flushing = { draw: 'normal', largest: 63, steps: 6 } as const;

export const schemes: readonly Scheme[] = [
  { name: 'one segment', dataBits: 8, accumulatorBits: 16, weights: filled },
  { name: 'flushes', dataBits: 8, accumulatorBits: 16, weights: flushing },
  { name: 'uniform, flushes', dataBits: 8, accumulatorBits: 16, weights: { draw: 'uniform', largest: 63 } },
  // Of 4-bit data and weights of −1, 0 and 1, as many as need no more than one flush.
  { name: '8 bits', dataBits: 4, accumulatorBits: 8, weights: { draw: 'fill', segments: 2 } },
  { name: 'winograd 4x4', dataBits: 8, accumulatorBits: 16, weights: filled, winograd: { tile: 4 } },
  { name: 'winograd 2x2', dataBits: 8, accumulatorBits: 16, weights: filled, winograd: { tile: 2 } },
  {
    name: 'winograd 2x2, exact',
    dataBits: 6,
    accumulatorBits: 16,
    weights: filled,
    winograd: { tile: 2, exact: true },
  },
  { name: 'dot product', dataBits: 8, accumulatorBits: 16, weights: wide, target: armv82Dotprod },
  { name: 'matrix product', dataBits: 8, accumulatorBits: 16, weights: wide, target: armv86I8mm },
  { name: 'Armv7', dataBits: 8, accumulatorBits: 16, weights: filled, target: armv7Neon },
  { name: 'Armv7, flushes', dataBits: 8, accumulatorBits: 16, weights: flushing, target: armv7Neon },
];

/**
 * Of whole networks: 6-bit weights, which real networks keep their accuracy with, and the flushes that these need; `fitted` to the
 * accumulators where that costs no accuracy to speak of, as the quantizer does.
 */
export function networkScheme(dataBits: number, fitted: boolean): Scheme {
  const draw = fitted ? 'fitted' : 'normal';
  return { name: 'flushes', dataBits, accumulatorBits: 16, weights: { draw, largest: 31 } };
}

export interface Drawn {
  readonly weights: Int8Array;
  readonly accumulator: AccumulatorModel;
}

/** Seeded weights, channels × length, and the flushes that they need. */
export function drawWeights(model: AccumulatorModel, outputs: number, length: number, scheme: Scheme): Drawn {
  const { weights } = scheme;
  const half = 2 ** (scheme.dataBits - 1);
  const budget = windowBudget(model.bits, { lo: -half, hi: half - 1 });
  const flushed = (values: Int8Array): Drawn => ({
    weights: values,
    accumulator: greedySegments(model, values, outputs, budget),
  });
  switch (weights.draw) {
    case 'fill':
      return drawFilling(outputs, length, model, { budget, segments: weights.segments }, flushed);
    case 'uniform':
      return flushed(drawUniform(outputs, length, weights.largest, 1));
    case 'normal':
      return flushed(drawNormal(model, outputs, length, weights, budget).weights);
    case 'fitted': {
      const { weights: fitting, noise } = drawNormal(model, outputs, length, { ...weights, segments: model }, budget);
      return flushed(noise <= acceptableNoise ? fitting : drawNormal(model, outputs, length, weights, budget).weights);
    }
  }
}

function drawUniform(outputs: number, length: number, largest: number, density: number): Int8Array {
  const random = createRandom(length, outputs);
  const weight = () => (density < 1 && random.float() >= density ? 0 : random.int(-largest, largest));
  return Int8Array.from({ length: outputs * length }, weight);
}

/** Uniform weights as large as the segments hold, `density` of them not zero where even ones are too many. */
function drawFilling(
  outputs: number,
  length: number,
  { lanes }: AccumulatorModel,
  { budget, segments }: { readonly budget: number; readonly segments: number },
  flushed: (values: Int8Array) => Drawn,
): Drawn {
  // A lane's Σ|w| has a mean of somewhat more than n·largest/2, the largest of all channels is more.
  const bound = Math.floor((2 * budget * segments * lanes) / length);
  let [largest, density] = [Math.max(1, Math.min(127, bound)), 1];
  for (;;) {
    const drawn = flushed(drawUniform(outputs, length, largest, density));
    if (drawn.accumulator.segments.length <= segments) return drawn;
    if (largest > 1) largest--;
    else density *= 0.85;
  }
}

/** Of a layer's weights, relative: what `src/quantize/steps/rounded-candidates.ts` accepts of a layer's output, −24 dB. */
const acceptableNoise = 2 ** -8;

/**
 * Normally distributed weights, as trained ones roughly are: the largest of a channel is `largest` or, as a quantizer under
 * the constraint chooses its scale, as much as accumulators hold that are flushed after every `steps` of a run, or where `segments` end.
 * @returns also Σ (rounded − real)² / Σ real²
 */
function drawNormal(
  model: AccumulatorModel,
  outputs: number,
  length: number,
  {
    largest,
    steps,
    segments = steps === undefined ? undefined : evenSegments(model, steps),
  }: { readonly largest: number; readonly steps?: number; readonly segments?: AccumulatorModel | undefined },
  budget: number,
): { readonly weights: Int8Array; readonly noise: number } {
  const random = createRandom(length, outputs);
  const result = new Int8Array(outputs * length);
  // Two less than what a lane holds that starts where it needs to: so it may start from zero.
  const held = budget - 2;
  let [error, power] = [0, 0];
  for (let o = 0; o < outputs; o++) {
    const real = Float64Array.from({ length }, () => random.normal());
    const most = real.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    let scale = largest / most;
    const rounded = () => Int8Array.from(real, (w) => Math.round(w * scale));
    // From afar in one step, the rest of the way in small ones.
    while (segments !== undefined) {
      const sum = heaviest(segments, rounded());
      if (sum <= held) break;
      scale *= sum > 1.05 * held ? (1.02 * held) / sum : 0.99;
    }
    const weights = rounded();
    result.set(weights, o * length);
    weights.forEach((q, k) => {
      error += (q / scale - real[k]!) ** 2;
      power += real[k]! ** 2;
    });
  }
  return { weights: result, noise: error / power };
}

function evenSegments(model: AccumulatorModel, steps: number): AccumulatorModel {
  const perRun = Math.ceil(model.runLength / model.step);
  const all = model.segments.at(-1)!;
  const ends = Array.from({ length: all }, (_, i) => i + 1).filter(
    (end) => end % perRun === 0 || (end % perRun) % steps === 0,
  );
  return { ...model, segments: ends };
}

/** The largest Σ|w| of an accumulator. */
function heaviest(model: AccumulatorModel, weights: Int8Array): number {
  const sums = new Int32Array(model.segments.length * model.lanes);
  const places = accumulatorOfProduct(model, weights.length);
  weights.forEach((w, k) => {
    sums[places[k]!]! += Math.abs(w);
  });
  return sums.reduce((a, b) => Math.max(a, b), 0);
}
