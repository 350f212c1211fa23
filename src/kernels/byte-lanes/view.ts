import { must } from '../../core/must.ts';
import type { Conv2dOp, FullyConnectedOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import type { Geometry } from '../k-lanes/geometry.ts';
import { planeOf, tileChannels } from '../k-lanes/tile.ts';
import { tileView } from '../k-lanes/tile-view.ts';
import { runsText } from '../k-lanes/walk.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { reductionView } from '../reduction-view.ts';
import { prepareBytes } from './prepare.ts';
import { chooseByteTile } from './tile.ts';
import { laneCount, type Piece, piecesOf } from './walk.ts';

type Context = ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>;

/** The data of `conv-byte-lanes`. */
export function byteLanesView(context: Context) {
  const prepared = prepareBytes(context.node, context.graph);
  const { geometry: g, packed } = prepared;
  const { walk } = packed;
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const plane = planeOf(g, x, y);
  return {
    ...reductionView(context, prepared.requantizer),
    ...integerClamp(g.y, g.node.op.clamp),
    ...channelsView(g, x),
    tiles: packed.tiles,
    tileBytes: walk.steps * tileChannels * laneCount,
    segmentCount: walk.segments.length,
    preloadTile: walk.segments.length * tileChannels * laneCount,
    preloadSegment: tileChannels * laneCount,
    runLength: walk.runLength,
    runsText: runsText(g.reduction),
    blocksPerRun: walk.stepsPerRun,
    runBytes: walk.stepsPerRun * tileChannels * laneCount,
    ...tileView(plane, chooseByteTile(plane, walk, context.target)),
    body: 'conv-byte-lanes-tile',
    ...walkView(g, x),
    ...piecesView(g, x, piecesOf(walk)),
  };
}

/** Which channels a tile has, and where its input begins. */
function channelsView(g: Geometry, x: Operand) {
  const perGroup = g.reduction.channels / g.groups;
  return {
    grouped: g.groups > 1,
    tilesPerGroup: Math.ceil(perGroup / tileChannels),
    channelsPerGroup: perGroup,
    partialTiles: perGroup % tileChannels !== 0,
    inputGroup: g.reduction.length / (g.kernel[0] * g.kernel[1]),
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
  };
}

/** The runs as the portable body walks over them. */
function walkView(g: Geometry, x: Operand) {
  return {
    rows: g.kernel[0],
    taps: isRowWise(g) ? 1 : g.kernel[1],
    rowStep: g.dilations[0] * x.rowStride,
    tapStep: g.dilations[1] * x.pixelStride,
  };
}

/** True where a run is a row of the kernel, not one of its taps. */
function isRowWise({ reduction: { length, runLength }, kernel }: Geometry): boolean {
  return length / runLength === kernel[0];
}

/** The pieces of all segments in one table, and where each segment's end in it. */
function piecesView(g: Geometry, x: Operand, segments: readonly (readonly Piece[])[]) {
  const flat = segments.flat();
  let [end, at] = [0, 0];
  const pieces = flat.map((piece) => {
    const from = placeOf(g, x, piece);
    const skip = from - at;
    at = from + piece.steps * laneCount;
    return { skip, passes: Math.floor(piece.steps / 2), single: piece.steps % 2 };
  });
  return {
    pieces,
    pieceCount: pieces.length,
    segmentEnds: segments.map((segment) => {
      end += segment.length;
      return end;
    }),
    flushes: segments.length > 1,
    anySingle: pieces.some((p) => p.single === 1),
  };
}

/** Where a piece begins in the input's window. */
function placeOf(g: Geometry, x: Operand, { run, firstStep }: Piece): number {
  const [, kw] = g.kernel;
  const [row, tap] = isRowWise(g) ? [run, 0] : [Math.floor(run / kw), run % kw];
  return row * g.dilations[0] * x.rowStride + tap * g.dilations[1] * x.pixelStride + firstStep * laneCount;
}
