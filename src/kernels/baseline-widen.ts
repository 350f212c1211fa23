import { must } from '../core/must.ts';
import type { Conv2dOp, FullyConnectedOp, Graph } from '../graph/types.ts';
import { integerClamp } from '../ops/quantized.ts';
import { packUnproven } from './baseline.ts';
import { type Geometry, geometryOf, type ReductionNode, requantizerOf } from './k-lanes/geometry.ts';
import { type Plane, planeOf, type Tile, tilesOf } from './k-lanes/tile.ts';
import { runsText } from './k-lanes/walk.ts';
import type { Cost, Kernel, Operand, Packed, ViewContext } from './kernel.ts';
import { reductionView } from './reduction-view.ts';

/**
 * The ordinary 32-bit accumulation, as a measure for ours: operands widened to 16 bits, four products an instruction
 * (`smlal` by element), output channels in the lanes. Never selected, but by `bench --baseline`.
 */
const shared = {
  name: 'baseline-widen',
  summary: 'baseline: operands widened to 16 bits, 32-bit sums',
  pack,
  cost,
  view,
} as const;

/** Output channels of a tile: four vectors of 32-bit sums a pixel. */
const tileChannels = 16;
/** Products for which one load of a pixel's bytes is widened. */
const blockProducts = 8;
/** 4 pixels × 16 channels are 16 accumulators. */
const tilePixels = 4;

interface Slots {
  readonly tiles: number;
  readonly tilesPerGroup: number;
  readonly channelOf: Int32Array;
}

function slotsOf({ reduction, groups }: Geometry): Slots {
  const perGroup = reduction.channels / groups;
  const tilesPerGroup = Math.ceil(perGroup / tileChannels);
  const groupSlots = tilesPerGroup * tileChannels;
  const channelOf = Int32Array.from({ length: groups * groupSlots }, (_, slot) => {
    const inGroup = slot % groupSlots;
    return inGroup < perGroup ? Math.floor(slot / groupSlots) * perGroup + inGroup : -1;
  });
  return { tiles: groups * tilesPerGroup, tilesPerGroup, channelOf };
}

/** `[tile][K][16 channels]` */
function pack(node: ReductionNode, graph: Graph): Packed {
  const g = geometryOf(node, graph);
  const { tiles, channelOf } = slotsOf(g);
  const { length } = g.reduction;
  const data = new Int8Array(channelOf.length * length);
  channelOf.forEach((channel, slot) => {
    if (channel < 0) return;
    const first = Math.floor(slot / tileChannels) * length * tileChannels + (slot % tileChannels);
    for (let k = 0; k < length; k++) data[first + k * tileChannels] = g.weights[channel * length + k]!;
  });
  const comment = `[${tiles} tiles][${length} products][${tileChannels} channels]`;
  return packUnproven(node, graph, channelOf, { data, comment });
}

function costOfTile({ height, width }: Tile, length: number): number {
  const pixels = height * width;
  // Each product: four multiply-accumulates a pixel, one load and two widenings of weights; pixels are widened by the eight.
  return length * (4 * pixels + 3 + pixels / 4) + 20 + 28 * pixels;
}

function chooseTile(plane: Pick<Plane, 'height' | 'width'>, length: number): Tile {
  const shapes: Tile[] = [];
  for (let height = 1; height <= tilePixels; height++) {
    for (let width = 1; height * width <= tilePixels; width++) shapes.push({ height, width, shape: 'block' });
  }
  const costOf = (tile: Tile) => tilesOf(plane, tile) * costOfTile(tile, length);
  return shapes
    .filter((tile) => tile.height <= plane.height && tile.width <= plane.width)
    .reduce((best, tile) => (costOf(tile) < costOf(best) ? tile : best));
}

function cost(node: ReductionNode, graph: Graph): Cost {
  const g = geometryOf(node, graph);
  const plane = { height: g.outHeight, width: g.outWidth };
  const tile = chooseTile(plane, g.reduction.length);
  return { instructions: slotsOf(g).tiles * tilesOf(plane, tile) * costOfTile(tile, g.reduction.length) };
}

function view(context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) {
  const g = geometryOf(context.node, context.graph);
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const plane = planeOf(g, x, y);
  const { tiles, tilesPerGroup } = slotsOf(g);
  const perGroup = g.reduction.channels / g.groups;
  return {
    ...reductionView(context, requantizerOf(g, context.graph)),
    ...integerClamp(g.y, g.node.op.clamp),
    tiles,
    tileChannels,
    tileBytes: g.reduction.length * tileChannels,
    grouped: g.groups > 1,
    tilesPerGroup,
    channelsPerGroup: perGroup,
    partialTiles: perGroup % tileChannels !== 0,
    inputGroup: g.reduction.length / (g.kernel[0] * g.kernel[1]),
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    runsText: runsText(g.reduction),
    walk: walkView(g, x),
    ...tileView(plane, chooseTile(plane, g.reduction.length)),
  };
}

/** The loops over a kernel's rows and, where a row's bytes are not contiguous, taps. */
function walkView(g: Geometry, x: Operand) {
  const [rows, taps] = g.walk.runs === g.kernel[0] ? [g.kernel[0], 1] : g.kernel;
  const rest = g.walk.runLength % blockProducts;
  const indexes = (count: number) => Array.from({ length: count }, (_, i) => i);
  return {
    rows,
    taps,
    runLength: g.walk.runLength,
    rowStep: g.dilations[0] * x.rowStride,
    tapStep: g.dilations[1] * x.pixelStride,
    blocks: Math.floor(g.walk.runLength / blockProducts),
    blockProducts,
    blockWeights: blockProducts * tileChannels,
    rest,
    restWeights: rest * tileChannels,
    lanes: indexes(blockProducts).map((lane) => ({ lane, weights: lane * tileChannels })),
    restLanes: indexes(rest).map((lane) => ({ lane, weights: lane * tileChannels })),
  };
}

function tileView(plane: Plane, { height, width }: Tile) {
  return {
    plane,
    tileHeight: height,
    tileWidth: width,
    lastRow: plane.height - height,
    lastColumn: plane.width - width,
    pixels: Array.from({ length: height * width }, (_, index) => {
      const [row, column] = [Math.floor(index / width), index % width];
      return {
        index,
        input: row * plane.inputRow + column * plane.inputPixel,
        output: row * plane.outputRow + column * plane.outputPixel,
      };
    }),
  };
}

const misfit = (node: ReductionNode, graph: Graph) =>
  geometryOf(node, graph).reduction.depthwise ? 'depthwise' : undefined;

export const convWiden: Kernel<Conv2dOp> = { ...shared, op: 'conv2d', misfit, border: (node) => node.op.pads };

export const fullyConnectedWiden: Kernel<FullyConnectedOp> = { ...shared, op: 'fullyConnected', misfit };
