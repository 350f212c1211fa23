import type { QuantParams } from '../graph/types.ts';
import type { SourceTensor } from './model.ts';

/**
 * A constant of the model while it is imported; `quant` where it came through a DequantizeLinear, so that its integers
 * are not lost.
 */
export interface FoldedTensor extends SourceTensor {
  readonly quant?: QuantParams;
  /** Integers that came through a Clip: its bounds, which say how wide they are. */
  readonly bounds?: readonly [number, number];
}
