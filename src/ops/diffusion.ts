import { invariant } from '../core/diagnostics.ts';
import type { QuantParams, Tensor } from '../graph/types.ts';
import { quantOf } from './quantized.ts';

/** How `diffuse` narrows: cells of 2^shift integers of the input are one of the output. */
export interface Diffusion {
  readonly shift: number;
  /** The output's integer of the cell that begins at 0: x lies in the cell of (x >> shift) + offset. */
  readonly offset: number;
  /** Where the cell of the output's 0 has its middle, in the input's integers: y's is at y·2^shift + middle. */
  readonly middle: number;
  /** True where the output's lowest integer is 0, as behind a ReLU: zeros then stay zeros. */
  readonly keepsZeros: boolean;
}

/**
 * The grid on which `diffuse` reads what it narrows to `narrow`: steps 2^shift times as fine, and about twice the range where 8 bits hold
 * it, so that what lies beyond the narrow one's end is an error like others, and diffused. Integers of the narrow grid are the middles of
 * cells. With more than 127 steps there is no finer grid: it is the narrow one.
 * @param narrow its integers around 0, as `rangeOfSteps` has them
 */
export function wideGrid(narrow: QuantParams): QuantParams {
  const cells = narrow.qmax - narrow.qmin + 1;
  if (2 * cells > 256) return narrow;
  const shift = Math.max(1, Math.floor(Math.log2(128 / cells)));
  const { scale, zeroPoint, qmin } = narrow;
  const [lowest, half] = [-128, halfCell(shift)];
  // Where the lowest integer is 0, its cell is the lowest there is: all the room is above the highest one's.
  const isLowest = zeroPoint === qmin;
  const zero = isLowest ? lowest + half : zeroPoint * 2 ** shift + half;
  return {
    scale: scale.map((s) => s / 2 ** shift),
    zeroPoint: zero,
    qmin: isLowest ? zero : lowest,
    qmax: 127,
  };
}

/** Half of 2^shift, rounded down: where a cell has its middle. */
function halfCell(shift: number): number {
  return (1 << shift) >> 1;
}

/** @throws invariant where the input's quantization is not `wideGrid` of the output's */
export function diffusionOf(input: Tensor, output: Tensor): Diffusion {
  const [x, y] = [quantOf(input), quantOf(output)];
  if (!isWideGrid(x, y)) throw invariant(`${input.id} is not on the grid that is diffused to ${output.id}`);
  const shift = Math.log2(y.step / x.step);
  const middle = x.zeroPoint - y.zeroPoint * 2 ** shift;
  return {
    shift,
    offset: (halfCell(shift) - middle) / 2 ** shift,
    middle,
    keepsZeros: y.zeroPoint === y.qmin,
  };
}

/** Whether `diffuse` can take values of the one to the other. With as many steps as 8 bits hold both are the same. */
export function isWideGrid(x: QuantParams, y: QuantParams): boolean {
  const wide = wideGrid(y);
  return (
    x.scale.length === 1 &&
    x.scale[0] === wide.scale[0] &&
    x.zeroPoint === wide.zeroPoint &&
    x.qmin === wide.qmin &&
    x.qmax === wide.qmax
  );
}
