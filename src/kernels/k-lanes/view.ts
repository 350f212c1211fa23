import { must } from '../../core/must.ts';
import type { Conv2dOp, FullyConnectedOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import { pixelsFor, type Target } from '../../targets/target.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { requantizerView } from '../requantizer-arrays.ts';
import { type Course, isRest, type Stretch, stretchesOf, tileInstructions, unrollOf, unrollOfPieces } from './cost.ts';
import type { Geometry } from './geometry.ts';
import { type Prepared, prepare } from './prepare.ts';
import {
  chooseTile,
  likelyPlane,
  mostPixels,
  mostPixelsFlushed,
  type Plane,
  pixelsOf,
  planeOf,
  type Tile,
  tileChannels,
  tilesOf,
} from './tile.ts';
import { laneCount, stepProducts } from './walk.ts';

type Context = ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>;

/** The data of `conv-k-lanes` and `conv-k-lanes-flush`. */
export function kLanesView(context: Context, name: string) {
  const prepared = prepare(context.node, context.graph);
  const plane = planeOf(prepared.geometry, must(context.inputs[0], 'input'), context.output);
  return viewWithTile(context, name, prepared, plane, tileOf(prepared, plane, context.target));
}

/**
 * What the templates see that walk over K with K in the lanes, whatever they do with the products.
 * @param name the kernel's: its tile is a partial of that name
 */
export function viewWithTile(context: Context, name: string, prepared: Prepared, plane: Plane, tile: Tile) {
  const { geometry: g, packed } = prepared;
  const x = must(context.inputs[0], 'input');
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
    grouped: g.groups > 1,
    tiles: packed.tiles,
    tilesPerGroup: Math.ceil(perGroup / tileChannels),
    tileBytes: packed.tileBytes,
    segmentCount: prepared.segments.length,
    preloadTile: prepared.segments.length * tileChannels * laneCount,
    preloadSegment: tileChannels * laneCount,
    inputGroup: g.reduction.length / (g.kernel[0] * g.kernel[1]),
    channelsPerGroup: perGroup,
    partialTiles: perGroup % tileChannels !== 0,
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    ...portableView(g, x),
    ...tileView(plane, tile),
    walk: walkView(g, x),
    add: 'multiply_accumulate',
    body: `${name}-tile`,
    ofRun: prepared.partition.kind === 'pieces' ? 'k-lanes-segments' : 'k-lanes-run',
    ...courseView(prepared),
  };
}

/** How the tiles lie on the output, and where each of their pixels is read and written. */
export function tileView(plane: Plane, tile: Tile) {
  const line = tile.shape === 'line';
  const pixels = Array.from({ length: pixelsOf(tile) }, (_, i) => {
    const [row, column] = [Math.floor(i / tile.width), i % tile.width];
    const input = row * plane.inputRow + column * plane.inputPixel;
    const output = row * plane.outputRow + column * plane.outputPixel;
    return {
      index: i,
      from: line ? `p${i}` : plus('p', input),
      second: line ? `p${i} + 16` : plus('p', input + stepProducts),
      stored: line ? `to${i}` : plus('to', output),
    };
  });
  const last = pixels.length - 1;
  const count = plane.height * plane.width;
  const [lastRow, lastColumn] = [
    Math.floor((count - pixels.length) / plane.width),
    (count - pixels.length) % plane.width,
  ];
  return {
    plane,
    line,
    tileText: line ? `${tile.width} pixels in line` : `${tile.height}x${tile.width} pixels`,
    tileHeight: tile.height,
    tileWidth: tile.width,
    tileCount: tilesOf(plane, tile),
    /** One tile needs no loops, one row of tiles only one. */
    alone: tilesOf(plane, tile) === 1,
    oneRow: plane.height === tile.height,
    lastRow: plane.height - tile.height,
    lastColumn: plane.width - tile.width,
    overlapRows: plane.height % tile.height !== 0,
    overlapColumns: plane.width % tile.width !== 0,
    pixels,
    pointers: line ? pixels.map(({ index }) => `p${index}`) : ['p'],
    // Four sums are narrowed at once; where the tile has fewer, the last one fills up.
    quad: [0, 1, 2, 3].map((i) => Math.min(i, last)),
    lines: {
      count,
      // From the end of a row of output pixels to the next one's beginning.
      inputGap: plane.inputRow - plane.width * plane.inputPixel,
      outputGap: plane.outputRow - plane.width * plane.outputPixel,
      overlap: count % pixels.length !== 0,
      last: count - pixels.length,
      lastColumn,
      lastInput: lastRow * plane.inputRow + lastColumn * plane.inputPixel,
      lastOutput: lastRow * plane.outputRow + lastColumn * plane.outputPixel,
    },
  };
}

export function plus(pointer: string, offset: number): string {
  return offset === 0 ? pointer : `${pointer} + ${offset}`;
}

/** The loops over a kernel's rows and, where a row's bytes are not contiguous, taps. */
function walkView(g: Geometry, x: Operand) {
  const { runs, runsPerRow, runBytes } = g.walk;
  const rowStep = g.dilations[0] * x.rowStride;
  const tapStep = g.dilations[1] * x.pixelStride;
  const isRow = runs === g.kernel[0];
  return {
    rows: runs / runsPerRow,
    taps: runsPerRow,
    /** One run, which needs no loop; rows of several, which need two. */
    single: runs === 1,
    nested: runsPerRow > 1,
    runs,
    /** What is left to go after reading a run, and after a row of several. */
    afterRun: (isRow ? rowStep : tapStep) - runBytes,
    afterRow: rowStep - runsPerRow * tapStep,
  };
}

/** The stretches between flushes. */
function courseView(course: Course) {
  const { partition } = course;
  const { count, piece, rest } = stretchesOf(course);
  const rows = partition.kind === 'rows' ? partition.rows : 0;
  const written = unrollOfPieces(count, piece);
  return {
    partition: {
      whole: partition.kind === 'whole',
      inRows: partition.kind === 'rows',
      inPieces: partition.kind === 'pieces',
      rows,
      uneven: rows > 0 && (course.walk.runs / course.walk.runsPerRow) % rows !== 0,
    },
    pieces: {
      some: count > 0,
      several: count > 1,
      count,
      inRounds: written > 1 && written < count,
      rounds: count / written,
      written,
      ...stretchView(piece),
    },
    rest: { some: isRest(course), ...stretchView(rest) },
  };
}

/** The first pass, or the first 16 products, begins the sums of a segment; the others add to them. */
export function stretchView({ passes, single, half }: Stretch) {
  return {
    single,
    half,
    all: passLoops(passes),
    more: passLoops(passes - 1),
    startsWithPass: passes > 0,
    startsWithSingle: passes === 0 && single,
    startsWithHalf: passes === 0 && !single,
    moreSingle: passes > 0 && single,
    moreHalf: half && (passes > 0 || single),
  };
}

/** Passes in rounds of as many as are written out, and those that are left. */
function passLoops(passes: number) {
  const written = unrollOf(passes);
  const rounds = Math.max(0, Math.floor(passes / written));
  return { some: rounds > 0, several: rounds > 1, rounds, written, left: Math.max(0, passes) % written };
}

/** What the portable body needs to find its way through packed weights. */
function portableView(g: Geometry, x: Operand) {
  const [kh, kw] = g.kernel;
  const rowWise = g.walk.runs === kh;
  const half = g.walk.endsHalf;
  const blocks = half ? g.walk.stepsPerRun - 1 : g.walk.stepsPerRun;
  const inBlocks = Math.min(g.walk.runLength, blocks * stepProducts);
  return {
    runLength: g.walk.runLength,
    blocksText: `${g.walk.stepsPerRun} blocks of 16${half ? ', the last one of 8' : ''}`,
    portable: {
      rows: kh,
      taps: rowWise ? 1 : kw,
      rowStep: g.dilations[0] * x.rowStride,
      tapStep: g.dilations[1] * x.pixelStride,
      /** Products in blocks of 16, and those in the last block of 8. */
      inBlocks,
      inHalf: g.walk.runLength - inBlocks,
      halfAt: blocks * stepProducts * tileChannels,
      runBytes: g.walk.runBytes * tileChannels,
    },
  };
}

function tileOf(p: Prepared, plane: Pick<Plane, 'height' | 'width'>, target: Target): Tile {
  const most = pixelsFor(target, p.partition.kind === 'whole' ? mostPixels : mostPixelsFlushed);
  return chooseTile(plane, most, (tile) => tileInstructions(p, tile, plane));
}

/** Predicted instructions of a layer. */
export function predictedInstructions(p: Prepared, target: Target): number {
  const plane = likelyPlane(p.geometry);
  const tile = tileOf(p, plane, target);
  return p.packed.tiles * tilesOf(plane, tile) * tileInstructions(p, tile, plane);
}
