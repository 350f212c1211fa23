import { invariant } from '../../core/diagnostics.ts';
import { fitsRequantizer, winogradRanges } from '../../ops/winograd-parts.ts';
import { certify } from '../k-lanes/certify.ts';
import { packWeights } from '../k-lanes/pack.ts';
import { tileChannels } from '../k-lanes/tile.ts';
import { walkOf } from '../k-lanes/walk.ts';
import type { ConstantArray, Packed } from '../kernel.ts';
import { requantizerArrays } from '../requantizer-arrays.ts';
import type { WinogradLayer } from './layout.ts';

/**
 * Certifies the packed bytes and lists the arrays that the generated code reads.
 * @throws invariant where an accumulator that starts from zero could overflow, or a sum 32 bits
 */
export function packWinograd(layer: WinogradLayer): Packed {
  const { node, taps, tapBytes, outputs, integer, weights, bias, scales } = layer;
  const place = `node "${node.origin.name}" (${node.origin.opType})`;
  const slots = tileSlots(outputs);
  const { rows, rowOf } = tiledRows(layer, slots);
  const packed = packWeights(rows, rowOf.length, walkOf(tapBytes, tapBytes), tileChannels, 1);
  const range = { lo: node.op.input.qmin, hi: node.op.input.qmax };
  const { proof } = certify(packed, integer.accumulator.segments, range, false, place);
  const failing = winogradRanges(node, scales, weights, bias).findIndex((r) => !fitsRequantizer(r, scales.requantizer));
  if (failing >= 0) throw invariant(`the sums of output channel ${failing} leave 32 bits`, place);
  const perRow = (value: (row: number) => number) => Int32Array.from(rowOf, (row) => (row < 0 ? 0 : value(row)));
  const arrays: ConstantArray[] = [
    {
      name: 'weights',
      data: packed.data,
      comment: `[${slots.length / tileChannels} tiles][${taps} taps][${packed.walk.steps} blocks][${tileChannels} channels][16 products]`,
    },
    {
      name: 'tap_multiplier',
      data: perRow((row) => scales.multiplier[row]!),
      comment: `[tiles][${taps} taps][${tileChannels} channels] to the channel's scale, in units of 2^-31`,
    },
    {
      name: 'bias',
      data: slots.map((o) => (o < 0 ? 0 : bias[o]!)),
      comment: `[${slots.length}] in the channel's scale`,
    },
    ...requantizerArrays(scales.requantizer, slots),
    ...inputArrays(layer),
  ];
  return { arrays, proof };
}

/** Output channel of each slot of the tiles; −1 where it only fills one. */
function tileSlots(outputs: number): Int32Array {
  const slots = Math.ceil(outputs / tileChannels) * tileChannels;
  return Int32Array.from({ length: slots }, (_, o) => (o < outputs ? o : -1));
}

/** The weights' rows in the order `[tile][tap][channel of the tile]`, zeros where there is no channel, and up to whole steps. */
function tiledRows({ taps, tapBytes, channels, weights }: WinogradLayer, slots: Int32Array) {
  const rowOf = Int32Array.from({ length: slots.length * taps }, (_, i) => {
    const [tile, tap, n] = [Math.floor(i / tileChannels / taps), Math.floor(i / tileChannels) % taps, i % tileChannels];
    const o = slots[tile * tileChannels + n]!;
    return o < 0 ? -1 : o * taps + tap;
  });
  const rows = new Int8Array(rowOf.length * tapBytes);
  rowOf.forEach((row, i) => {
    if (row >= 0) rows.set(weights.subarray(row * channels, (row + 1) * channels), i * tapBytes);
  });
  return { rows, rowOf };
}

/** What rounds the taps: rows of the transform at a time, each in one load. */
function inputArrays({ node, size }: WinogradLayer): ConstantArray[] {
  const { multiplier } = node.op.input;
  if (multiplier.every((m) => m === 2 ** 15)) return [];
  const data = new Int16Array(size * 8);
  multiplier.forEach((m, t) => {
    data[Math.floor(t / size) * 8 + (t % size)] = m === 2 ** 15 ? 0 : m;
  });
  return [
    { name: 'input_multiplier', data, comment: `[${size} rows of taps][8], in units of 2^-15; rows padded with zeros` },
  ];
}
