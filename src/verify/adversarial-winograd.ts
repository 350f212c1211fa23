import { must } from '../core/must.ts';
import { createRandom } from '../core/random.ts';
import { inputsOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Node, Tensor, WinogradOp } from '../graph/types.ts';
import { tapRange, winogradTransforms } from '../numeric/winograd.ts';
import { quantOf } from '../ops/quantized.ts';
import { quantizeTap, winogradShape } from '../ops/winograd-parts.ts';
import type { Adversary, Extreme } from './adversarial.ts';
import { keepSums, limitedPixelsOf } from './limited-pixels.ts';
import type { Place } from './taps.ts';

const outOfReach = 'not every tap of the transformed input reaches the ends of its range: no input attains the bounds';
const keptSums = 'what pixels of its input add up to is limited: no input attains the bounds';

/**
 * The inputs of a Winograd convolution that drive the accumulators of one tap and output channel to their extremes: in each
 * input channel the tile is ν where the tap's coefficient has the wanted sign and µ elsewhere, so that the transformed value is as
 * large as can be, and clamped to the end of its range. Tiles that share no input hold one (channel, tap) each.
 * The bounds know no limit on what pixels add up to: where there is one the inputs keep it, and don't attain them.
 */
export function winogradAdversary(graph: Graph, node: Node<WinogradOp>, seed: number): Adversary {
  const [x, w] = inputsOf(graph, node) as [Tensor, Tensor];
  const { qmin, qmax } = quantOf(x);
  const weights = w.data as Int8Array;
  const [rows, channels] = w.shape as [number, number];
  const tiles = disjointTiles(node, x, w);
  const order = widestFirst(weights, rows, channels);
  const targets = order.flatMap((channel) => [
    { channel, bound: 'hi' as const },
    { channel, bound: 'lo' as const },
  ]);
  const perInput = tiles.places.length;
  const extremesOf = (index: number): Extreme[] =>
    targets
      .slice(index * perInput, (index + 1) * perInput)
      .map((target, i) => ({ ...target, place: must(tiles.places[i], 'place') }));
  const limit = limitedPixelsOf(graph, x.id);
  const note = limit ? keptSums : reachesEnds(node, { lo: qmin, hi: qmax }) ? undefined : outOfReach;
  return {
    pairs: targets.length,
    inputCount: Math.ceil(targets.length / perInput),
    attained: tiles.inside && note === undefined,
    ...(note !== undefined && { note }),
    coverage: (inputs) => Math.min(targets.length, inputs * perInput),
    input(index) {
      const random = createRandom(seed, index);
      const values = Int8Array.from({ length: sizeOf(x.shape) }, () => random.int(qmin, qmax));
      const extremes = extremesOf(index);
      for (const extreme of extremes) {
        const row = weights.subarray(extreme.channel * channels, (extreme.channel + 1) * channels);
        writeTile(values, x, node, row, extreme, [qmin, qmax]);
      }
      if (limit) keepSums(values, limit);
      return { values, extremes };
    },
  };
}

/** Every second tile, so that they share no input; those inside the input, or the first where there is none. */
function disjointTiles(node: Node<WinogradOp>, x: Tensor, w: Tensor) {
  const { size, tilesHigh, tilesWide } = winogradShape(node, x.shape, w.shape);
  const [, height, width] = x.shape as [number, number, number];
  const { tile, pads } = node.op;
  const inside = (tiles: number, before: number, extent: number): number[] => {
    const all = Array.from({ length: tiles }, (_, i) => i);
    const whole = all.filter((i) => i * tile >= before && i * tile - before + size <= extent);
    return whole.filter((i) => (i - whole[0]!) % 2 === 0);
  };
  const [ys, xs] = [inside(tilesHigh, pads[0], height), inside(tilesWide, pads[1], width)];
  const places: Place[] = ys.flatMap((y) => xs.map((column) => ({ y, x: column })));
  return places.length > 0 ? { places, inside: true } : { places: [{ y: 0, x: 0 }], inside: false };
}

function widestFirst(weights: Int8Array, rows: number, channels: number): number[] {
  const norms = Array.from({ length: rows }, (_, row) =>
    weights.subarray(row * channels, (row + 1) * channels).reduce((sum, q) => sum + Math.abs(q), 0),
  );
  return norms.map((_, row) => row).sort((a, b) => norms[b]! - norms[a]! || a - b);
}

/** True where inputs drive each tap to both ends of what is multiplied. */
function reachesEnds({ op }: Node<WinogradOp>, x: { readonly lo: number; readonly hi: number }): boolean {
  const transforms = winogradTransforms(op.tile);
  return op.input.multiplier.every((_, tap) => {
    const { lo, hi } = tapRange(transforms, tap, x);
    const quantized = (v: number) => quantizeTap(op.input, transforms.size, tap, v);
    return quantized(lo) === op.input.qmin && quantized(hi) === op.input.qmax;
  });
}

function writeTile(
  values: Int8Array,
  x: Tensor,
  { op }: Node<WinogradOp>,
  weights: Int8Array,
  { channel, bound, place }: Extreme,
  [low, high]: readonly [number, number],
): void {
  const { input, size } = winogradTransforms(op.tile);
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const tap = channel % (size * size);
  for (let k = 0; k < size * size; k++) {
    const [row, column] = [Math.floor(k / size), k % size];
    const coefficient = input[Math.floor(tap / size)]![row]! * input[tap % size]![column]!;
    const [iy, ix] = [place.y * op.tile - op.pads[0] + row, place.x * op.tile - op.pads[1] + column];
    if (coefficient === 0 || iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
    for (let c = 0; c < channels; c++) {
      const up = weights[c]! > 0 === (bound === 'hi');
      values[(iy * width + ix) * channels + c] = coefficient > 0 === up ? high : low;
    }
  }
}
