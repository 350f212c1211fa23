import { must } from '../../core/must.ts';
import { inputsOf, outputOf } from '../../graph/build.ts';
import type { Graph, Node, Tensor, WinogradOp } from '../../graph/types.ts';
import { winogradTransforms } from '../../numeric/winograd.ts';
import { quantOf } from '../../ops/quantized.ts';
import { quantizeTap, winogradScales } from '../../ops/winograd-parts.ts';
import { forEachTile, type TileSource } from './tiles.ts';

/**
 * Biases with which the mean of each channel's sum is the wanted one, whatever rounding weights and transformed inputs did.
 * @param wanted mean of each channel's real sums over `source`'s outputs, the bias included
 */
export function centredBias(
  graph: Graph,
  node: Node<WinogradOp>,
  source: TileSource,
  wanted: Float64Array,
): Int32Array {
  const inputs = inputsOf(graph, node);
  const [x, w] = inputs as [Tensor, Tensor];
  const { step } = winogradScales(node, inputs, outputOf(graph, node));
  const taps = node.op.input.multiplier.length;
  const scale = must(w.quant, 'weight quantization').scale;
  const shares = meanTaps(node.op, source);
  const channels = x.shape[3]!;
  const unit = quantOf(x).step * 2 ** 15;
  return Int32Array.from(wanted, (mean, o) => {
    let got = 0;
    for (let t = 0; t < taps; t++) {
      const row = o * taps + t;
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += (w.data as Int8Array)[row * channels + c]! * shares[t * channels + c]!;
      got += (sum * scale[row]! * unit) / node.op.input.multiplier[t]!;
    }
    return Math.round((mean - got) / step[o]!);
  });
}

/** For each tap and channel the mean, over all outputs, of what the outputs take of its int8 value. */
function meanTaps(op: WinogradOp, source: TileSource): Float64Array {
  const { output, size } = winogradTransforms(op.tile);
  const channels = source.shape[3]!;
  const shares = new Float64Array(size * size * channels);
  // How often the first rows (columns) of a tile's output take each row (column) of taps.
  const uses = (outputs: number) =>
    Array.from({ length: size }, (_, t) => output.slice(0, outputs).reduce((sum, row) => sum + row[t]!, 0));
  forEachTile(source, 1, (v, rows, columns) => {
    const [vertical, horizontal] = [uses(rows), uses(columns)];
    for (let t = 0; t < size * size; t++) {
      const weight = vertical[Math.floor(t / size)]! * horizontal[t % size]!;
      if (weight === 0) continue;
      for (let c = 0; c < channels; c++) {
        shares[t * channels + c]! += weight * quantizeTap(op.input, size, t, v[t * channels + c]!);
      }
    }
  });
  const outputs = source.samples * source.outHeight * source.outWidth;
  return shares.map((sum) => sum / outputs);
}
