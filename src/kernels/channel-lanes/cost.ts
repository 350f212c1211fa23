import type { Requantizer } from '../../numeric/requantize.ts';
import { integerClamp } from '../../ops/quantized.ts';
import type { Geometry } from '../k-lanes/geometry.ts';

/**
 * Instructions that finish 16 channels of one pixel: requantization, zero point, narrowing, clamp, store. Sums of 32 bits are
 * widened from their accumulators before; sums of 16 bits get the rest of the bias.
 */
export function epilogueInstructions(
  { y, node }: Pick<Geometry, 'y' | 'node'>,
  requantizer: Requantizer,
  wide: boolean,
): number {
  const { lo, hi, zeroPoint } = integerClamp(y, node.op.clamp);
  const clamps = (lo > -128 ? 1 : 0) + (hi < 127 ? 1 : 0);
  // The zero point −128 is a saturation to 0…255 and one `eor`.
  const ends = (zeroPoint === -128 ? 1 : 2) + clamps + 1;
  if (requantizer.format === 'fixed16') return ends + (wide ? 8 + 4 : 8);
  const left = requantizer.format !== 'float32' && requantizer.leftShift > 0 ? 4 : 0;
  const offset = 'offset' in requantizer ? 4 : 0;
  return ends + left + offset + 4 + 8 + 6;
}
