/**
 * The transforms of Winograd's minimal convolutions F(m×m, 3×3), m = 2 and 4: Y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A gives m×m outputs
 * of a 3×3 kernel g from (m+2)×(m+2) inputs d with (m+2)² products instead of 9·m².
 * Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016 (interpolation points 0, ±1, ±2, ∞).
 */
export type WinogradTile = 2 | 4;

type Matrix = readonly (readonly number[])[];

export interface WinogradTransforms {
  /** m: output rows and columns of a tile. */
  readonly tile: WinogradTile;
  /** m + 2: rows and columns of a transformed tile, whose elements are called taps. */
  readonly size: number;
  /** Bᵀ, size × size, integers. */
  readonly input: Matrix;
  /** G, size × 3. */
  readonly weights: Matrix;
  /** Aᵀ, tile × size, integers. */
  readonly output: Matrix;
}

const f2: WinogradTransforms = {
  tile: 2,
  size: 4,
  input: [
    [1, 0, -1, 0],
    [0, 1, 1, 0],
    [0, -1, 1, 0],
    [0, 1, 0, -1],
  ],
  weights: [
    [1, 0, 0],
    [1 / 2, 1 / 2, 1 / 2],
    [1 / 2, -1 / 2, 1 / 2],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 0],
    [0, 1, -1, -1],
  ],
};

const f4: WinogradTransforms = {
  tile: 4,
  size: 6,
  input: [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
  ],
  weights: [
    [1 / 4, 0, 0],
    [-1 / 6, -1 / 6, -1 / 6],
    [-1 / 6, 1 / 6, -1 / 6],
    [1 / 24, 1 / 12, 1 / 6],
    [1 / 24, -1 / 12, 1 / 6],
    [0, 0, 1],
  ],
  output: [
    [1, 1, 1, 1, 1, 0],
    [0, 1, -1, 2, -2, 0],
    [0, 1, 1, 4, 4, 0],
    [0, 1, -1, 8, -8, 1],
  ],
};

export function winogradTransforms(tile: WinogradTile): WinogradTransforms {
  return tile === 2 ? f2 : f4;
}

/**
 * The only tap that a constant input does not leave at 0, in both transforms: Bᵀ's rows but this one add up to 0. Each output
 * takes it once, as all of Aᵀ's entries in its column are 1.
 */
export function constantTap({ size }: WinogradTransforms): number {
  return size + 1;
}

/** What a constant input of ones gives at each tap. */
export function constantGain({ input }: WinogradTransforms, tap: number): number {
  const rowSum = (row: number): number => input[row]!.reduce((a, b) => a + b, 0);
  return rowSum(Math.floor(tap / input.length)) * rowSum(tap % input.length);
}

/**
 * `left · square · leftᵀ` for a row-major matrix.
 * @param square n × n, with n the number of left's columns
 */
export function sandwich(left: Matrix, square: ArrayLike<number>): Float64Array {
  const [rows, columns] = [left.length, left[0]!.length];
  const half = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let k = 0; k < columns; k++) half[r * columns + c]! += left[r]![k]! * square[k * columns + c]!;
    }
  }
  const out = new Float64Array(rows * rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < rows; c++) {
      for (let k = 0; k < columns; k++) out[r * rows + c]! += half[r * columns + k]! * left[c]![k]!;
    }
  }
  return out;
}

/** The range of a tap of the transformed input, over all inputs in [lo, hi]. */
export function tapRange(
  { input }: WinogradTransforms,
  tap: number,
  { lo, hi }: { readonly lo: number; readonly hi: number },
): { readonly lo: number; readonly hi: number } {
  const [vertical, horizontal] = [input[Math.floor(tap / input.length)]!, input[tap % input.length]!];
  const range = { lo: 0, hi: 0 };
  for (const a of vertical) {
    for (const b of horizontal) {
      range.lo += Math.min(a * b * lo, a * b * hi);
      range.hi += Math.max(a * b * lo, a * b * hi);
    }
  }
  return range;
}
