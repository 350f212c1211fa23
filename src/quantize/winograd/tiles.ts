import type { Pads, Shape } from '../../graph/types.ts';
import { tapRange, type WinogradTransforms } from '../../numeric/winograd.ts';

/** Integer inputs of a layer, sample after sample, and how they are cut into tiles. */
export interface TileSource {
  readonly transforms: WinogradTransforms;
  /** N×H×W×C of one sample. */
  readonly shape: Shape;
  readonly values: Int8Array;
  readonly samples: number;
  readonly pads: Pads;
  readonly zeroPoint: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** A transformed tile, `[tap][channel]`, and how many of its output rows and columns lie inside the output. */
export type VisitTile = (v: Int32Array, rows: number, columns: number) => void;

/** Transforms the tiles of all samples, every `stride`th of them. `v` is the same memory each time. */
export function forEachTile(source: TileSource, stride: number, visit: VisitTile): void {
  const { transforms, samples, outHeight, outWidth } = source;
  const { tile, size } = transforms;
  const channels = source.shape[3]!;
  const [high, wide] = [Math.ceil(outHeight / tile), Math.ceil(outWidth / tile)];
  const d = new Int32Array(size * size * channels);
  const half = new Int32Array(d.length);
  const v = new Int32Array(d.length);
  for (let i = 0; i < samples * high * wide; i += stride) {
    const [n, top, left] = [Math.floor(i / (high * wide)), (Math.floor(i / wide) % high) * tile, (i % wide) * tile];
    readTile(source, n, top, left, d);
    // Rows first, then columns: element (row, column) of a plane lies at row · size + column.
    apply(transforms.input, d, half, { count: size, along: size * channels, across: channels, channels });
    apply(transforms.input, half, v, { count: size, along: channels, across: size * channels, channels });
    visit(v, Math.min(tile, outHeight - top), Math.min(tile, outWidth - left));
  }
}

function readTile(
  { transforms, shape, values, pads, zeroPoint }: TileSource,
  n: number,
  top: number,
  left: number,
  d: Int32Array,
): void {
  const [, height, width, channels] = shape as [number, number, number, number];
  const { size } = transforms;
  for (let k = 0; k < size * size; k++) {
    const [iy, ix] = [top - pads[0] + Math.floor(k / size), left - pads[1] + (k % size)];
    const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
    const from = ((n * height + iy) * width + ix) * channels;
    for (let c = 0; c < channels; c++) d[k * channels + c] = inside ? values[from + c]! : zeroPoint;
  }
}

/** out[r] = Σ_k matrix[r][k] · from[k] along one axis of the tile. */
function apply(
  matrix: readonly (readonly number[])[],
  from: Int32Array,
  out: Int32Array,
  { count, along, across, channels }: { count: number; along: number; across: number; channels: number },
): void {
  out.fill(0);
  for (let line = 0; line < count; line++) {
    for (let r = 0; r < count; r++) {
      for (let k = 0; k < count; k++) {
        const factor = matrix[r]![k]!;
        if (factor === 0) continue;
        const [a, b] = [line * across + r * along, line * across + k * along];
        for (let c = 0; c < channels; c++) out[a + c]! += factor * from[b + c]!;
      }
    }
  }
}

/** The stride with which about `most` tiles are taken, at least half of that where there are so many. */
export function strideFor({ transforms: { tile }, samples, outHeight, outWidth }: TileSource, most: number): number {
  const tiles = samples * Math.ceil(outHeight / tile) * Math.ceil(outWidth / tile);
  // An odd stride meets all columns of tiles.
  return 2 * Math.floor(tiles / most / 2) + 1;
}

/** How often each value of each tap occurs. */
export interface TapHistogram {
  /** The value of the first count. */
  readonly from: number;
  readonly counts: Float64Array;
}

/** Tiles that histograms are made of, at most. */
const mostTiles = 4096;

export function tapHistograms(source: TileSource, x: { readonly lo: number; readonly hi: number }): TapHistogram[] {
  const { transforms, shape } = source;
  const { size } = transforms;
  const channels = shape[3]!;
  const histograms = Array.from({ length: size * size }, (_, tap) => {
    const { lo, hi } = tapRange(transforms, tap, x);
    return { from: lo, counts: new Float64Array(hi - lo + 1) };
  });
  forEachTile(source, strideFor(source, mostTiles), (v) => {
    histograms.forEach(({ from, counts }, t) => {
      for (let c = 0; c < channels; c++) counts[v[t * channels + c]! - from]!++;
    });
  });
  return histograms;
}
