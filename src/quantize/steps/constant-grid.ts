import type { QuantParams, TensorData } from '../../graph/types.ts';

/** int8, symmetric, with the largest magnitude at 127. */
export function gridOfConstant(values: TensorData): QuantParams {
  let largest = 0;
  for (const v of values) largest = Math.max(largest, Math.abs(v));
  const scale = largest > 0 ? Math.max(Math.fround(largest / 127), 2 ** -126) : 1;
  return { scale: [scale], zeroPoint: 0, qmin: -127, qmax: 127 };
}
