import { must } from '../../core/must.ts';
import type { WinogradOp } from '../../graph/types.ts';
import { tapRange } from '../../numeric/winograd.ts';
import { integerClamp, narrowRange, quantOf } from '../../ops/quantized.ts';
import { stretchView } from '../k-lanes/course-view.ts';
import { tileChannels } from '../k-lanes/tile.ts';
import { stepProducts } from '../k-lanes/walk.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { requantizerView } from '../requantizer-arrays.ts';
import { blockingOf, scratchOf, stretchesOf, type WinogradLayer } from './layout.ts';

/** The data of `templates/kernels/winograd.c.hbs`. */
export function winogradView(context: ViewContext<WinogradOp>, layer: WinogradLayer) {
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const { node, taps, size, tapBytes, scales } = layer;
  const { tile, pads, leftShift } = node.op;
  const { group, block } = blockingOf(layer);
  const array = (name: string) => context.arrayName(name);
  return {
    tile,
    size,
    taps,
    four: tile === 4,
    weights: array('weights'),
    tapMultiplier: array('tap_multiplier'),
    inputMultiplier: array('input_multiplier'),
    bias: array('bias'),
    multiplier: array('multiplier'),
    shift: array('shift'),
    requantizer: requantizerView(scales.requantizer),
    ...integerClamp(layer.y, node.op.clamp),
    channels: layer.channels,
    tapBytes,
    outputs: layer.outputs,
    partialTile: layer.outputs % tileChannels !== 0,
    weightBytes: tapBytes * tileChannels,
    tiles: layer.tiles,
    tilesWide: layer.tilesWide,
    block,
    blocked: block < layer.tiles,
    group,
    sums: scratchOf(layer).sums,
    blockBytes: block * tapBytes,
    corner: pads[0] * x.rowStride + pads[1] * x.pixelStride,
    inputRow: x.rowStride,
    inputPixel: x.pixelStride,
    inputTileRow: tile * x.rowStride,
    inputTile: tile * x.pixelStride,
    outputRow: y.rowStride,
    outputPixel: y.pixelStride,
    outputTileRow: tile * y.rowStride,
    outputTile: tile * y.pixelStride,
    outHeight: y.height,
    outWidth: y.width,
    partialRows: y.height % tile !== 0,
    partialColumns: y.width % tile !== 0,
    partial: y.height % tile !== 0 || y.width % tile !== 0,
    leftShift,
    ...inputView(layer, x),
    ...productView(layer, group),
    ...outputView(layer, y),
    transforms: {
      input: layer.transforms.input.map((row) => row.join(', ')),
      output: layer.transforms.output.map((row) => row.join(', ')),
    },
  };
}

/** The transform of the input, and how its taps become int8. */
function inputView(layer: WinogradLayer, x: Operand) {
  const { node, size, tapBytes } = layer;
  const { multiplier, offset, qmin, qmax } = node.op.input;
  const { block } = blockingOf(layer);
  return {
    exact: isExact(layer),
    rounds: multiplier.some((m) => m !== 2 ** 15),
    /** Some taps stay as they are next to others that do not. */
    mixed: multiplier.some((m) => m !== 2 ** 15) && multiplier.includes(2 ** 15),
    clamps: narrowRange({ qmin, qmax }) !== undefined,
    qmin,
    qmax,
    offset,
    offsetTap: size + 1,
    columns: Array.from({ length: size }, (_, column) => ({
      index: column,
      pixels: Array.from({ length: size }, (_unused, row) => ({
        index: row,
        offset: row * x.rowStride + column * x.pixelStride,
      })),
    })),
    rows: Array.from({ length: size }, (_, row) => ({
      index: row,
      multipliers: row * 8,
      taps: Array.from({ length: size }, (_unused, column) => {
        const tap = row * size + column;
        return {
          index: column,
          row,
          to: tap * block * tapBytes,
          multiplied: multiplier[tap] !== 2 ** 15,
          shifted: tap === size + 1 && offset !== 0,
        };
      }),
    })),
  };
}

/** True where each tap is a sum of bytes that fits a byte itself: then nothing is widened, rounded or clamped. */
export function isExact({ node, transforms, taps, x }: WinogradLayer): boolean {
  const { multiplier, offset, qmin, qmax } = node.op.input;
  const range = { lo: quantOf(x).qmin, hi: quantOf(x).qmax };
  const fits = (tap: number): boolean => {
    const { lo, hi } = tapRange(transforms, tap, range);
    return lo >= qmin && hi <= qmax;
  };
  const identity = offset === 0 && multiplier.every((m) => m === 2 ** 15);
  return node.op.tile === 2 && identity && Array.from({ length: taps }, (_, tap) => tap).every(fits);
}

/** The products of one tap: a group of tiles, four output channels, all of K. The members are those of the `k-lanes` partials. */
function productView(layer: WinogradLayer, group: number) {
  const { tapBytes, taps } = layer;
  const at = (offset: number) => (offset === 0 ? 'p' : `p + ${offset}`);
  return {
    pixels: Array.from({ length: group }, (_, index) => ({
      index,
      from: at(index * tapBytes),
      second: at(index * tapBytes + stepProducts),
      sums: index * taps * tileChannels * 4,
    })),
    pointers: ['p'],
    add: 'multiply_accumulate',
    sumBytes: tileChannels * 4,
    tileSums: taps * tileChannels * 4,
    flushes: stretchesOf(layer).length > 1,
    segments: stretchesOf(layer).map((stretch, i) => ({ first: i === 0, ...stretchView(stretch) })),
  };
}

/** The transform of the sums of one tile and four channels. */
function outputView({ node, size }: WinogradLayer, y: Operand) {
  const { tile } = node.op;
  return {
    sumColumns: Array.from({ length: size }, (_, column) => ({
      index: column,
      taps: Array.from({ length: size }, (_unused, row) => ({
        index: row,
        from: (row * size + column) * tileChannels * 4,
        constant: row === 1 && column === 1,
      })),
    })),
    outputRows: Array.from({ length: tile }, (_, row) => ({
      index: row,
      pixels: Array.from({ length: tile }, (_unused, column) => ({
        index: column,
        to: row * y.rowStride + column * y.pixelStride,
      })),
    })),
  };
}
