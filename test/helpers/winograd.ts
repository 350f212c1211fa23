import { createRandom } from '../../src/core/random.ts';
import type { Clamp, Graph, IntegerReduction, Pads, QuantParams, WinogradOp } from '../../src/graph/types.ts';
import { tapRange, type WinogradTile, winogradTransforms } from '../../src/numeric/winograd.ts';
import { greedySegments } from '../../src/proof/segments.ts';
import { QuantizedGraphBuilder, quant } from './quantized-graph.ts';

/** A Winograd convolution to be tested. */
export interface WinogradCase {
  readonly tile: WinogradTile;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
  readonly pads?: Pads;
  /** Bits of the transformed input; 8 where absent. */
  readonly bits?: number;
  /** No rounding of the transformed input: its range must fit int8. */
  readonly exact?: true;
  /** Weights are drawn from [−largest, largest]. */
  readonly largest?: number;
  readonly x?: QuantParams;
  readonly clamp?: Clamp;
  readonly leftShift?: number;
  /** Signed multipliers that put most taps beyond their range. */
  readonly saturating?: true;
}

export const sixBits: QuantParams = { scale: [Math.fround(0.2)], zeroPoint: -32, qmin: -32, qmax: 31 };

/** A graph of one Winograd convolution with random weights, in as few segments as they allow. */
export function winogradGraph(name: string, c: WinogradCase, seed = 11): Graph {
  const { tile, channels, outputs, pads = [1, 1, 1, 1], bits = 8, largest = 20, leftShift = 3 } = c;
  const random = createRandom(seed);
  const transforms = winogradTransforms(tile);
  const taps = transforms.size ** 2;
  const x = c.x ?? quant(0.05, -128);
  const qmax = 2 ** (bits - 1) - 1;
  const qmin = bits === 8 ? -128 : -qmax;
  const multiplier = Array.from({ length: taps }, (_, t) => {
    if (c.exact) return 2 ** 15;
    const range = tapRange(transforms, t, { lo: x.qmin, hi: x.qmax });
    // Values reach about a third of the range, as sums of independent ones do.
    const reach = Math.max(range.hi, -range.lo) / (c.saturating ? 12 : 3);
    return Math.max(1, Math.min(2 ** 15 - 1, Math.round(((qmax * 2 ** 15) / reach) * (0.8 + 0.4 * random.float()))));
  });
  const rows = outputs * taps;
  const weights = Int8Array.from({ length: rows * channels }, () => random.int(-largest, largest));
  const scale = Array.from({ length: rows }, (_, r) =>
    Math.fround((2 ** -9 * (0.5 + random.float()) * multiplier[r % taps]!) / 2 ** 15),
  );
  const whole = { bits: 16, lanes: 8, step: 16, runLength: channels, segments: [Math.ceil(channels / 16)] };
  const budget = Math.floor(32767 / Math.max(qmax, -qmin));
  const integer: IntegerReduction = {
    requant: 'fixed',
    accumulator: greedySegments(whole, weights, rows, budget),
    mode: 'proven',
  };
  const b = new QuantizedGraphBuilder(name);
  const w = b.constant([rows, channels], weights, { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 });
  const bias = b.constant(
    [outputs],
    Int32Array.from({ length: outputs }, () => random.int(-20000, 20000)),
  );
  const op: WinogradOp = {
    kind: 'winograd',
    tile,
    pads,
    input: { multiplier, offset: c.exact ? 0 : random.int(-90, 90), qmin, qmax },
    leftShift,
    integer,
    ...(c.clamp && { clamp: c.clamp }),
  };
  const spread = x.scale[0]! * 2 ** -9 * largest * qmax * Math.sqrt(channels) * (tile === 4 ? 12 : 2);
  const y = quant(spread / 64, 7);
  b.output(b.node(op, [b.input([1, c.height, c.width, channels], x), w, bias], y));
  return b.build();
}
