import { must } from '../../core/must.ts';
import type { Conv2dOp, FullyConnectedOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { reductionView } from '../reduction-view.ts';
import { writesTaps } from './cost.ts';
import { courseView } from './course-view.ts';
import type { Geometry } from './geometry.ts';
import { type InnerLoop, innerLoopFor } from './inner-loop.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type Plane, planeOf, type Tile, tileChannels } from './tile.ts';
import { tileView } from './tile-view.ts';
import { laneCount, runsText, stepProducts } from './walk.ts';

type Context = ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>;

/** The data of `conv-k-lanes` and `conv-k-lanes-flush`. */
export function kLanesView(context: Context, name: string) {
  const prepared = prepare(context.node, context.graph);
  const plane = planeOf(prepared.geometry, must(context.inputs[0], 'input'), context.output);
  const loop = innerLoopFor(context.target);
  return viewWithTile(context, name, prepared, plane, loop.tile(prepared, plane), loop.kind);
}

/**
 * What the templates see that walk over K with K in the lanes, whatever they do with the products.
 * @param name the kernel's: its tile is a partial of that name
 */
export function viewWithTile(
  context: Context,
  name: string,
  prepared: Prepared,
  plane: Plane,
  tile: Tile,
  loop: InnerLoop['kind'] = 'pairs',
) {
  const { geometry: g, packed } = prepared;
  const x = must(context.inputs[0], 'input');
  const perGroup = g.reduction.channels / g.groups;
  return {
    ...reductionView(context, prepared.requantizer),
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
    ...tileView(plane, tile, loop === 'single'),
    walk: {
      ...walkView(g, x),
      written: loop === 'pairs' && writesTaps({ walk: g.walk, partition: prepared.partition }),
    },
    channelSums: Array.from({ length: tileChannels }, (_, c) => `c${c}`),
    add: 'multiply_accumulate',
    body: `${name}-tile`,
    ofRun: prepared.partition.kind === 'pieces' ? 'k-lanes-segments' : 'k-lanes-run',
    ...courseView(prepared, loop),
  };
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

/** What the portable body needs to find its way through packed weights. */
function portableView(g: Geometry, x: Operand) {
  const [kh, kw] = g.kernel;
  const rowWise = g.walk.runs === kh;
  const half = g.walk.endsHalf;
  const blocks = half ? g.walk.stepsPerRun - 1 : g.walk.stepsPerRun;
  const inBlocks = Math.min(g.walk.runLength, blocks * stepProducts);
  return {
    runsText: runsText(g.reduction),
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
