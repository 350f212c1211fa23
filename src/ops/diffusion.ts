import { invariant } from '../core/diagnostics.ts';
import type { QuantParams, Tensor } from '../graph/types.ts';
import { quantOf } from './quantized.ts';

/** How `diffuse` narrows: a step of the output is 2^shift steps of the input. */
export interface Diffusion {
  readonly shift: number;
  /** Where the cell of the output's integer y has its middle, in the input's integers: y·2^shift + middle. */
  readonly middle: number;
  /** What is added before the shift, so that the shifted sum is the cell's integer: the half cell that `middle` is short of. */
  readonly rounding: number;
  /** The input's highest integer; its negative is the lowest. Both ends are those of the output, exactly. */
  readonly end: number;
}

/**
 * The grid on which `diffuse` reads what it narrows to `narrow`: the same range, in as many times 2^shift steps as 8 bits hold. The ends
 * and the zero point are the middles of cells of the narrow grid; half a cell beyond the ends still fits int8, as sums with errors need.
 * @param narrow its integers around 0, as `rangeOfSteps` has them
 */
export function wideGrid(narrow: QuantParams): QuantParams {
  const steps = narrow.qmax - narrow.qmin;
  const shift = Math.floor(Math.log2(256 / (steps + 1)));
  const middle = steps % 2 === 1 ? halfCell(shift) : 0;
  const wide = (q: number): number => q * 2 ** shift + middle;
  const { scale, zeroPoint, qmin, qmax } = narrow;
  return {
    scale: scale.map((s) => s / 2 ** shift),
    zeroPoint: wide(zeroPoint),
    qmin: wide(qmin),
    qmax: wide(qmax),
  };
}

/** Half of 2^shift, rounded down: what a cell has on either side of its middle. */
function halfCell(shift: number): number {
  return (1 << shift) >> 1;
}

/** @throws invariant where the input's quantization is not `wideGrid` of the output's */
export function diffusionOf(input: Tensor, output: Tensor): Diffusion {
  const [x, y] = [quantOf(input), quantOf(output)];
  if (!isWideGrid(x, y)) throw invariant(`${input.id} is not on the grid that is diffused to ${output.id}`);
  const shift = Math.log2(y.step / x.step);
  const middle = x.zeroPoint - y.zeroPoint * 2 ** shift;
  return { shift, middle, rounding: halfCell(shift) - middle, end: x.qmax };
}

/** Whether `diffuse` can take values of the one to the other. With as many steps as 8 bits hold both are the same. */
export function isWideGrid(x: QuantParams, y: QuantParams): boolean {
  const wide = wideGrid(y);
  return (
    x.scale.length === 1 &&
    x.scale[0] === wide.scale[0] &&
    x.zeroPoint === wide.zeroPoint &&
    x.qmin === wide.qmin &&
    x.qmax === wide.qmax &&
    (x.qmin === -x.qmax || x.scale[0] === y.scale[0])
  );
}
