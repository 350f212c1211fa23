import type { Products } from '../interpret/products.ts';
import type { PatchSource } from './patches.ts';

/** Second moments behind one group of output channels: what error feedback needs to know of the data. */
export interface Moments {
  readonly length: number;
  /** E[x·xᵀ] of the operands, in steps of the input; length × length. */
  readonly hessian: Float64Array;
  /** E[x·y] for each output channel of the group, y the wanted sum in steps of the input; channels × length. */
  readonly wanted: Float64Array;
  /** E[y²] of each channel. */
  readonly power: Float64Array;
}

export interface MomentsInput {
  readonly source: PatchSource;
  /** The quantized layer's input, its zero point and its largest |x − zero point|, and its step. */
  readonly values: Int8Array;
  readonly zeroPoint: number;
  readonly largest: number;
  readonly step: number;
  /** The float layer's input. Without it what is wanted is what the real weights make of the quantized input. */
  readonly float?: Float32Array;
  /** Real weights of the group's channels, channels × length. */
  readonly weights: Float32Array;
  /** Moments around the means: where a bias takes up the difference of the means. */
  readonly centred: boolean;
}

/** float32 adds integers exactly up to here. */
const EXACT = 2 ** 24;
/** Wanted sums are rounded to this many steps of their largest, so that their products with x are exact as well. */
const WANTED_STEPS = 1023;
const ROWS = 2048;

/** Exact where it can be, whatever adds in whatever order: so the same on every machine. */
export async function momentsOf(input: MomentsInput, group: number, products: Products): Promise<Moments> {
  const { source, values, zeroPoint, largest, weights } = input;
  const { length, chosen } = source;
  const channels = weights.length / length;
  const sums = {
    xx: new Float64Array(length * length),
    x: new Float64Array(length),
    xy: new Float64Array(length * channels),
    y: new Float64Array(channels),
    yy: new Float64Array(channels),
  };
  const yStep = input.float === undefined ? 0 : await wantedStep(input, group, products);
  const chunk = Math.min(
    ROWS,
    Math.floor(EXACT / largest ** 2),
    yStep === 0 ? ROWS : Math.floor(EXACT / (largest * WANTED_STEPS)),
  );
  for (let from = 0; from < chosen.length; from += chunk) {
    const to = Math.min(chosen.length, from + chunk);
    const x = source.read(values, zeroPoint, group, from, to);
    add(sums.xx, await products.transposed(x, x, to - from), 1);
    addColumns(sums.x, x);
    if (yStep === 0) continue;
    const y = await wantedRows(input, group, products, from, to);
    for (let i = 0; i < y.length; i++)
      y[i] = Math.max(-WANTED_STEPS, Math.min(WANTED_STEPS, Math.round(y[i]! / yStep)));
    add(sums.xy, await products.transposed(x, y, to - from), yStep);
    for (let i = 0; i < y.length; i++) {
      sums.y[i % channels]! += y[i]! * yStep;
      sums.yy[i % channels]! += (y[i]! * yStep) ** 2;
    }
  }
  const hessian = secondMoment(sums.xx, sums.x, chosen.length, input.centred);
  if (yStep === 0) return ownMoments(hessian, weights, length);
  return { length, hessian, ...crossMoments(sums, chosen.length, input.centred) };
}

async function wantedStep(input: MomentsInput, group: number, products: Products): Promise<number> {
  let largest = 0;
  for (let from = 0; from < input.source.chosen.length; from += ROWS) {
    const y = await wantedRows(input, group, products, from, Math.min(input.source.chosen.length, from + ROWS));
    for (let i = 0; i < y.length; i++) largest = Math.max(largest, Math.abs(y[i]!));
  }
  return largest / WANTED_STEPS;
}

/** The float network's sums, in steps of the input. */
async function wantedRows(input: MomentsInput, group: number, products: Products, from: number, to: number) {
  const x = input.source.read(input.float!, 0, group, from, to);
  const y = await products.rows(x, input.weights, input.source.length);
  return y.map((v) => v / input.step);
}

function add(sums: Float64Array, more: Float32Array, scale: number): void {
  for (let i = 0; i < sums.length; i++) sums[i]! += more[i]! * scale;
}

function addColumns(sums: Float64Array, rows: Float32Array): void {
  const n = sums.length;
  for (let from = 0; from < rows.length; from += n) for (let k = 0; k < n; k++) sums[k]! += rows[from + k]!;
}

function secondMoment(xx: Float64Array, x: Float64Array, count: number, centred: boolean): Float64Array {
  const n = x.length;
  for (let i = 0; i < n; i++) {
    const mean = centred ? x[i]! / count / count : 0;
    for (let j = 0; j < n; j++) xx[i * n + j] = xx[i * n + j]! / count - mean * x[j]!;
  }
  return xx;
}

function crossMoments(
  sums: { x: Float64Array; xy: Float64Array; y: Float64Array; yy: Float64Array },
  count: number,
  centred: boolean,
): Pick<Moments, 'wanted' | 'power'> {
  const [length, channels] = [sums.x.length, sums.y.length];
  const wanted = new Float64Array(length * channels);
  for (let k = 0; k < length; k++) {
    const mean = centred ? sums.x[k]! / count / count : 0;
    for (let o = 0; o < channels; o++) {
      wanted[o * length + k] = sums.xy[k * channels + o]! / count - mean * sums.y[o]!;
    }
  }
  const power = sums.yy.map((yy, o) => yy / count - (centred ? (sums.y[o]! / count) ** 2 : 0));
  return { wanted, power };
}

/** What the real weights make of the same operands: y = wᵀ·x. */
function ownMoments(hessian: Float64Array, weights: Float32Array, length: number): Moments {
  const wanted = new Float64Array(weights.length);
  const power = new Float64Array(weights.length / length);
  for (let o = 0; o < power.length; o++) {
    for (let k = 0; k < length; k++) {
      let sum = 0;
      for (let j = 0; j < length; j++) sum += hessian[k * length + j]! * weights[o * length + j]!;
      wanted[o * length + k] = sum;
      power[o]! += sum * weights[o * length + k]!;
    }
  }
  return { length, hessian, wanted, power };
}
