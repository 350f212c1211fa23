import type { WinogradInput } from '../../graph/types.ts';
import { constantGain, constantTap } from '../../numeric/winograd.ts';
import { quantizeTap } from '../../ops/winograd-parts.ts';
import { forEachTile, strideFor, type TileSource } from './tiles.ts';

/** A layer's input, and how its taps are rounded. */
export interface TapInput {
  readonly source: TileSource;
  /** The real value of a step of the layer's input. */
  readonly step: number;
  readonly input: WinogradInput;
}

/** The transformed input of some tiles: of each tap rows of the channels, a row a tile. */
export interface SampledTaps {
  readonly tiles: number;
  /** As the products see it, in the tap's steps, without what the offset adds. */
  readonly steps: readonly Float32Array[];
  /** Before it was rounded, real. */
  readonly real: readonly Float32Array[];
}

/** Tiles that taps are fitted on, at most, and values of them: 128 MB. */
const MOST_TILES = 4096;
const MOST_VALUES = 2 ** 25;

export function sampleTaps({ source, step, input }: TapInput): SampledTaps {
  const { transforms, zeroPoint } = source;
  const { size } = transforms;
  const taps = size * size;
  const channels = source.shape[3]!;
  const visited: Float32Array[] = [];
  const stride = strideFor(source, Math.min(MOST_TILES, Math.floor(MOST_VALUES / (taps * channels))));
  forEachTile(source, stride, (v) => visited.push(Float32Array.from(v)));
  const tapsOf = (meaning: (v: number, tap: number) => number): Float32Array[] =>
    Array.from({ length: taps }, (_, tap) => {
      const rows = new Float32Array(visited.length * channels);
      visited.forEach((v, n) => {
        for (let c = 0; c < channels; c++) rows[n * channels + c] = meaning(v[tap * channels + c]!, tap);
      });
      return rows;
    });
  const offsets = Array.from({ length: taps }, (_, tap) => (tap === constantTap(transforms) ? input.offset : 0));
  const constants = Array.from({ length: taps }, (_, tap) => zeroPoint * constantGain(transforms, tap));
  return {
    tiles: visited.length,
    steps: tapsOf((v, tap) => quantizeTap(input, size, tap, v) - offsets[tap]!),
    real: tapsOf((v, tap) => step * (v - constants[tap]!)),
  };
}
