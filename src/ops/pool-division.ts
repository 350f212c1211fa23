import type { AveragePoolOp, Tensor } from '../graph/types.ts';
import { makeRequantizer, type Requantizer } from '../numeric/requantize.ts';
import { quantOf } from './quantized.ts';

/** How a quantized average pool divides its sums. */
export interface PoolDivision {
  /** The divisors that occur, ascending: more than one where padding does not count. */
  readonly divisors: readonly number[];
  /** One `fixed` multiplier for each of them: s_x / (s_y · divisor). */
  readonly requantizer: Requantizer;
  /** Index into `divisors` for the output at (oy, ox). */
  indexAt(oy: number, ox: number): number;
}

/** The divisors of an average pool from `input` to `output`, and the multipliers that divide by them. */
export function poolDivision(op: AveragePoolOp, input: Tensor, output: Tensor): PoolDivision {
  const along = (axis: 0 | 1): number[] => {
    const [before, after] = [op.pads[axis], op.pads[axis + 2]!];
    const extent = input.shape[axis + 1]!;
    const [first, end] = op.countIncludePad ? [-before, extent + after] : [0, extent];
    return Array.from({ length: output.shape[axis + 1]! }, (_, o) => {
      const from = o * op.strides[axis] - before;
      if (op.sum) return 1;
      return Math.max(1, Math.min(from + op.kernel[axis], end) - Math.max(from, first));
    });
  };
  const [rows, columns] = [along(0), along(1)];
  const divisors = [...new Set(rows.flatMap((r) => columns.map((c) => r * c)))].sort((a, b) => a - b);
  const ratio = quantOf(input).step / quantOf(output).step;
  const requantizer = makeRequantizer(
    'fixed',
    divisors.map((d) => ratio / d),
  );
  return { divisors, requantizer, indexAt: (oy, ox) => divisors.indexOf(rows[oy]! * columns[ox]!) };
}
