import { must } from '../core/must.ts';
import type { Node, QuantParams, Tensor, WinogradOp } from '../graph/types.ts';
import { constantGain, constantTap, sandwich, winogradTransforms } from '../numeric/winograd.ts';
import { quantOf } from './quantized.ts';
import { winogradScales } from './winograd-parts.ts';

/** The convolution that a Winograd convolution stands for, as nearly as its integers say. */
export interface DirectForm {
  /** O×3×3×C, real. */
  readonly weights: Float32Array;
  /** Real. */
  readonly bias: Float64Array;
}

/** The 3×3 kernels whose transforms are nearest to the integer weights, and the biases without what offsets add to them. */
export function directForm(node: Node<WinogradOp>, inputs: readonly Tensor[], output: Tensor): DirectForm {
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor];
  const { size, weights: g } = winogradTransforms(node.op.tile);
  const taps = size * size;
  const { scale } = must(w.quant, 'weight quantization');
  const [rows, channels] = w.shape as [number, number];
  const outputs = rows / taps;
  const inverse = pseudoInverse(g);
  const weights = new Float32Array(outputs * 9 * channels);
  const u = new Float64Array(taps);
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < channels; c++) {
      for (let t = 0; t < taps; t++) u[t] = w.data![(o * taps + t) * channels + c]! * scale[o * taps + t]!;
      const kernel = sandwich(inverse, u);
      for (let k = 0; k < 9; k++) weights[(o * 9 + k) * channels + c] = kernel[k]!;
    }
  }
  const { step } = winogradScales(node, inputs, output);
  const constants = constantShares(node, x, w.data as Int8Array, scale);
  return { weights, bias: Float64Array.from(constants, (constant, o) => b.data![o]! * step[o]! + constant) };
}

/** What the input's zero point and the offset add to each real output, by the one tap that sees them. */
export function constantShares(
  { op }: Pick<Node<WinogradOp>, 'op'>,
  x: Tensor,
  weights: Int8Array,
  scale: QuantParams['scale'],
): Float64Array {
  const transforms = winogradTransforms(op.tile);
  const taps = transforms.size ** 2;
  const tap = constantTap(transforms);
  const { step, zeroPoint } = quantOf(x);
  const unit = 2 ** 15 / op.input.multiplier[tap]!;
  const constant = op.input.offset + (zeroPoint * constantGain(transforms, tap)) / unit;
  const channels = weights.length / scale.length;
  return Float64Array.from({ length: scale.length / taps }, (_, o) => {
    const row = o * taps + tap;
    const sum = weights.subarray(row * channels, (row + 1) * channels).reduce((a, b) => a + b, 0);
    return scale[row]! * step * unit * sum * constant;
  });
}

/** (GᵀG)⁻¹Gᵀ for a matrix of three columns. */
function pseudoInverse(g: readonly (readonly number[])[]): number[][] {
  const gram = [0, 1, 2].map((i) => [0, 1, 2].map((j) => g.reduce((sum, row) => sum + row[i]! * row[j]!, 0)));
  const cofactor = (i: number, j: number): number => {
    const [a, b] = [(i + 1) % 3, (i + 2) % 3];
    const [c, d] = [(j + 1) % 3, (j + 2) % 3];
    return gram[a]![c]! * gram[b]![d]! - gram[a]![d]! * gram[b]![c]!;
  };
  const determinant = [0, 1, 2].reduce((sum, j) => sum + gram[0]![j]! * cofactor(0, j), 0);
  // The Gram matrix is symmetric, so its inverse is that of its cofactors.
  return [0, 1, 2].map((i) =>
    g.map((row) => [0, 1, 2].reduce((sum, j) => sum + (cofactor(i, j) / determinant) * row[j]!, 0)),
  );
}
