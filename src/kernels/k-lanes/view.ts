import { must } from '../../core/must.ts';
import type { Conv2dOp, FullyConnectedOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { requantizerView } from '../requantizer-arrays.ts';
import type { Geometry } from './geometry.ts';
import { type Prepared, prepare } from './prepare.ts';
import { chooseTile, type Plane, planeOf, type Tile, tileChannels, tilesOf } from './tile.ts';
import { laneCount, type Piece, piecesOf, stepProducts } from './walk.ts';

/** Largest number of 32-byte passes whose loop is written out by the compiler: the code of a row of 3×96 bytes. */
const mostUnrolled = 9;

/** The data of `conv-k-lanes` and `conv-k-lanes-flush`. */
export function kLanesView(context: ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>) {
  const prepared = prepare(context.node, context.graph);
  const { geometry: g, packed } = prepared;
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const plane = planeOf(g, x, y);
  const tile = chooseTile(plane, packed.walk.steps);
  const array = (name: string) => context.arrayName(name);
  const perGroup = g.reduction.channels / g.groups;
  return {
    weights: array('weights'),
    bias: array('bias'),
    multiplier: array('multiplier'),
    shift: array('shift'),
    scale: array('scale'),
    preload: array('preload'),
    preloadSum: array('preload_sum'),
    preloaded: context.packed.arrays.some((a) => a.name === 'preload'),
    requantizer: requantizerView(prepared.requantizer),
    ...integerClamp(g.y, g.node.op.clamp),
    groups: g.groups,
    grouped: g.groups > 1,
    tiles: packed.tiles,
    tilesPerGroup: Math.ceil(perGroup / tileChannels),
    tileChannels,
    tileBytes: packed.walk.steps * tileChannels * stepProducts,
    segmentCount: prepared.segments.length,
    preloadTile: prepared.segments.length * tileChannels * laneCount,
    preloadSegment: tileChannels * laneCount,
    inputGroup: g.reduction.length / (g.kernel[0] * g.kernel[1]),
    channelsPerGroup: perGroup,
    partialTiles: perGroup % tileChannels !== 0,
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    blocksPerRun: packed.walk.stepsPerRun,
    runBytes: packed.walk.stepsPerRun * tileChannels * stepProducts,
    runLength: g.walk.runLength,
    ...tileView(plane, tile),
    walk: walkView(g, x, packed.walk.stepsPerRun),
    ...piecesView(g, x, piecesOf(packed.walk, prepared.segments)),
  };
}

/** How the tiles lie on the output, and what each of their pixels is called. */
function tileView(plane: Plane, tile: Tile) {
  const pixels = Array.from({ length: tile.height * tile.width }, (_, i) => {
    const [row, column] = [Math.floor(i / tile.width), i % tile.width];
    return {
      index: i,
      input: row * plane.inputRow + column * plane.inputPixel,
      second: row * plane.inputRow + column * plane.inputPixel + stepProducts,
      output: row * plane.outputRow + column * plane.outputPixel,
    };
  });
  const last = pixels.length - 1;
  return {
    plane,
    tileHeight: tile.height,
    tileWidth: tile.width,
    tileCount: tilesOf(plane, tile),
    lastRow: plane.height - tile.height,
    lastColumn: plane.width - tile.width,
    overlapRows: plane.height % tile.height !== 0,
    overlapColumns: plane.width % tile.width !== 0,
    pixels,
    // Four sums are narrowed at once; where the tile has fewer, the last one fills up.
    quad: [0, 1, 2, 3].map((i) => Math.min(i, last)),
  };
}

/** The loops over a kernel's rows (and taps, where a row's bytes are not contiguous) without flushes. */
function walkView(g: Geometry, x: Operand, blocksPerRun: number) {
  const [kh, kw] = g.kernel;
  const rowWise = g.walk.runs === kh;
  const read = blocksPerRun * stepProducts;
  const rowStep = g.dilations[0] * x.rowStride;
  const tapStep = g.dilations[1] * x.pixelStride;
  const passes = Math.floor(blocksPerRun / 2);
  return {
    rows: kh,
    taps: rowWise ? 1 : kw,
    runs: g.walk.runs,
    /** One run, runs a constant step apart, or rows of taps. */
    singleRun: g.walk.runs === 1,
    nested: !rowWise && kw > 1 && kh > 1,
    rowStep,
    tapStep,
    /** What is left to go after reading a run. */
    afterRun: (rowWise || kw === 1 ? rowStep : tapStep) - read,
    afterRow: rowStep - kw * tapStep,
    passes,
    single: blocksPerRun % 2 === 1,
    unroll: unrollOf(passes),
  };
}

function unrollOf(passes: number): number {
  if (passes <= mostUnrolled) return Math.max(1, passes);
  const divisor = [9, 8, 7, 6, 5, 4, 3].find((d) => passes % d === 0);
  return divisor ?? 4;
}

/** The pieces of all segments in one table, each saying whether a flush follows. */
function piecesView(g: Geometry, x: Operand, segments: readonly (readonly Piece[])[]) {
  const pieces = segments.flatMap((segment) =>
    segment.map((piece, i) => pieceView(g, x, piece, i === segment.length - 1)),
  );
  return {
    pieces,
    pieceCount: pieces.length,
    anySingle: pieces.some((p) => p.single === 1),
    everyPieceFlushes: pieces.every((p) => p.flush === 1),
  };
}

function pieceView(g: Geometry, x: Operand, piece: Piece, flush: boolean) {
  const [, kw] = g.kernel;
  const rowWise = g.walk.runs === g.kernel[0];
  const [row, tap] = rowWise ? [piece.run, 0] : [Math.floor(piece.run / kw), piece.run % kw];
  return {
    from: row * g.dilations[0] * x.rowStride + tap * g.dilations[1] * x.pixelStride + piece.firstStep * stepProducts,
    passes: Math.floor(piece.steps / 2),
    single: piece.steps % 2,
    flush: flush ? 1 : 0,
  };
}

/** Predicted instructions of a layer. */
export function predictedInstructions(p: Prepared, costPerTile: (tile: Tile) => number): number {
  const plane = isFlat(p.geometry)
    ? { height: 1, width: p.geometry.outHeight * p.geometry.outWidth }
    : sizeOfPlane(p.geometry);
  const tile = chooseTile(plane, p.packed.walk.steps);
  return p.packed.tiles * tilesOf(plane, tile) * costPerTile(tile);
}

function sizeOfPlane(g: Geometry) {
  return { height: g.outHeight, width: g.outWidth };
}

/** A guess before placements are known: pointwise layers without strides usually walk over one long row. */
function isFlat(g: Geometry): boolean {
  return g.kernel[0] === 1 && g.kernel[1] === 1 && g.strides[0] === 1 && g.strides[1] === 1;
}
