import { exhaustive } from '../core/exhaustive.ts';
import type { Requantizer } from '../numeric/requantize.ts';
import type { ConstantArray } from './kernel.ts';

/** The arrays and the C call that requantize sums, one entry for each of `slots` (−1: only fills a tile). */
export interface RequantizerView {
  readonly fixed: boolean;
  readonly fixed16: boolean;
  readonly shiftOnly: boolean;
  readonly float32: boolean;
  readonly float32Offset: boolean;
  readonly left: number;
}

export function requantizerView(r: Requantizer): RequantizerView {
  return {
    fixed: r.format === 'fixed',
    fixed16: r.format === 'fixed16',
    shiftOnly: r.format === 'shift',
    float32: r.format === 'float32' && r.offset === undefined,
    float32Offset: r.format === 'float32' && r.offset !== undefined,
    left: 'leftShift' in r ? r.leftShift : 0,
  };
}

/** The requantizer's constants in the order of the tiles' channels; shifts are negative, as `vrshlq_s32` wants them. */
export function requantizerArrays(r: Requantizer, slots: Int32Array): ConstantArray[] {
  const pick = (values: ArrayLike<number>, filler: number) => Array.from(slots, (c) => (c < 0 ? filler : values[c]!));
  const shift = (values: Int32Array): ConstantArray => ({
    name: 'shift',
    data: Int32Array.from(pick(values, 0), (s) => -s),
    comment: 'right shifts, negative',
  });
  switch (r.format) {
    case 'fixed':
      return [
        { name: 'multiplier', data: Int32Array.from(pick(r.multiplier, 2 ** 30)), comment: 'in units of 2^-31' },
        shift(r.shift),
      ];
    case 'fixed16':
      return [
        { name: 'multiplier', data: Int16Array.from(pick(r.multiplier, 2 ** 14)), comment: 'in units of 2^-15' },
        { name: 'shift', data: Int16Array.from(pick(r.shift, 0), (s) => -s), comment: 'right shifts, negative' },
      ];
    case 'shift':
      return [shift(r.shift)];
    case 'float32':
      return [
        {
          name: 'scale',
          data: Float32Array.from(pick(r.scale, 1)),
          comment: 'input scale * weight scale / output scale',
        },
        ...(r.offset === undefined
          ? []
          : [
              {
                name: 'offset',
                data: Float32Array.from(pick(r.offset, 0)),
                comment: 'what the integer biases leave of the real ones, in steps of the output',
              },
            ]),
      ];
    default:
      return exhaustive(r);
  }
}
