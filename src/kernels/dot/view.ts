import { must } from '../../core/must.ts';
import type { Conv2dOp, FullyConnectedOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import type { Geometry } from '../k-lanes/geometry.ts';
import { planeOf } from '../k-lanes/tile.ts';
import { plus, tileView } from '../k-lanes/tile-view.ts';
import { runsText } from '../k-lanes/walk.ts';
import type { Operand, ViewContext } from '../kernel.ts';
import { reductionView } from '../reduction-view.ts';
import { type GroupBytes, type GroupedWeights, tileChannels } from './pack.ts';
import { prepareGroups } from './prepare.ts';
import { chooseDotTile, runWalkOf } from './tile.ts';

type Context = ViewContext<Conv2dOp> | ViewContext<FullyConnectedOp>;

/** The data of `conv-dotprod` and `conv-i8mm`. */
export function dotView(context: Context, groupBytes: GroupBytes, name: string) {
  const { geometry: g, packed, requantizer, epilogue } = prepareGroups(context.node, context.graph, groupBytes);
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const plane = planeOf(g, x, y);
  const { tile } = must(chooseDotTile(plane, packed, epilogue), 'tile');
  const perGroup = g.reduction.channels / g.groups;
  const tiled = tileView(plane, tile);
  return {
    ...reductionView(context, requantizer),
    ...integerClamp(g.y, g.node.op.clamp),
    grouped: g.groups > 1,
    tiles: packed.tiles,
    tilesPerGroup: Math.ceil(perGroup / tileChannels),
    channelsPerGroup: perGroup,
    partialTiles: perGroup % tileChannels !== 0,
    inputGroup: g.reduction.length / (g.kernel[0] * g.kernel[1]),
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    tileBytes: packed.data.length / packed.tiles,
    runLength: g.reduction.runLength,
    runsText: runsText(g.reduction),
    groupBytes,
    groupWeights: tileChannels * groupBytes,
    body: `${name}-tile`,
    ofRun: `${name}-run`,
    ...tiled,
    pairs: pairsOf(tiled.pixels),
    walk: walkView(g, x, packed),
    ...stretchesView(packed),
  };
}

/** Pixels two by two, as `vmmlaq_s32` takes them. */
function pairsOf<P extends { readonly index: number }>(pixels: readonly P[]) {
  return Array.from({ length: Math.floor(pixels.length / 2) }, (_, index) => ({
    index,
    first: pixels[2 * index]!.index,
    second: pixels[2 * index + 1]!.index,
  }));
}

/** The loops over a kernel's rows and, where a row's bytes are not contiguous, taps. */
function walkView(g: Geometry, x: Operand, { runs, groupsPerRun, groupBytes }: GroupedWeights) {
  const [kh, kw] = g.kernel;
  const rowWise = runs === kh;
  const rowStep = g.dilations[0] * x.rowStride;
  const tapStep = g.dilations[1] * x.pixelStride;
  const taps = rowWise ? 1 : kw;
  return {
    rows: kh,
    taps,
    single: runs === 1,
    nested: taps > 1 && kh > 1,
    written: false,
    runs,
    rowStep,
    tapStep,
    /** What is left to go after reading a run, and after a row of several. */
    afterRun: (rowWise || kw === 1 ? rowStep : tapStep) - groupsPerRun * groupBytes,
    afterRow: rowStep - taps * tapStep,
    runBytes: groupsPerRun * groupBytes * tileChannels,
  };
}

/** A run in passes of 32 bytes, and what is left of it. */
function stretchesView(packed: GroupedWeights) {
  const { passes, rest, unroll } = runWalkOf(packed);
  const stretch = (groups: number) => ({
    some: groups > 0,
    wide: groups * packed.groupBytes > 16,
    bytes: groups * packed.groupBytes,
    weightBytes: groups * packed.groupBytes * tileChannels,
    groups: Array.from({ length: groups }, (_, i) => groupView(packed.groupBytes, i)),
  });
  return { passes, unroll, pass: stretch(32 / packed.groupBytes), rest: stretch(rest) };
}

/** Which 16 bytes of a pixel a group lies in, where in them, and its weights four vectors at a time. */
function groupView(groupBytes: GroupBytes, index: number) {
  const perVector = 16 / groupBytes;
  const from = index * groupBytes * tileChannels;
  const quarter = (n: number) => ({
    /** Of `pairs16`: what the four vectors add to. */
    members: [0, 2, 4, 6].map((c) => `c${n * 8 + c}`),
    weights: [0, 1, 2, 3].map((i) => ({ index: i, at: plus('w', from + n * 64 + i * 16) })),
  });
  return {
    half: index < perVector ? 'a' : 'b',
    lane: index % perVector,
    high: index % perVector === 1,
    quarters: Array.from({ length: groupBytes / 4 }, (_, n) => quarter(n)),
  };
}
