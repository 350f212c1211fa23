import { must } from '../../core/must.ts';
import type { AccumulatorModel, Conv2dOp } from '../../graph/types.ts';
import { integerClamp } from '../../ops/quantized.ts';
import { type Geometry, requantizerOf } from '../k-lanes/geometry.ts';
import type { ViewContext } from '../kernel.ts';
import { reductionView } from '../reduction-view.ts';
import { block, halvesOf } from './weights.ts';

/** What the templates of these kernels share: the arrays, the output's arithmetic, and how tiles of a row lie on the output. */
export function channelLanesView(
  context: ViewContext<Conv2dOp>,
  g: Geometry,
  model: AccumulatorModel,
  tilePixels: number,
) {
  const [x, y] = [must(context.inputs[0], 'input'), context.output];
  const { channels, length } = g.reduction;
  const array = (name: string) => context.arrayName(name);
  const has = (name: string) => context.packed.arrays.some((a) => a.name === name);
  return {
    ...reductionView(context, requantizerOf(g, context.graph)),
    start: array('start'),
    rest: array('rest'),
    narrow: has('start') || has('rest'),
    started: has('start'),
    saturates: has('rest'),
    ...integerClamp(g.y, g.node.op.clamp),
    channels,
    tail: channels % block !== 0,
    eight: halvesOf(g) === 1,
    blockBytes: length * block,
    blockStarts: model.segments.length * block,
    flushes: model.segments.length > 1,
    segmentCount: model.segments.length,
    origin: g.pads[0] * x.rowStride + g.pads[1] * x.pixelStride,
    height: g.outHeight,
    width: g.outWidth,
    inputRow: g.strides[0] * x.rowStride,
    inputPixel: g.strides[1] * x.pixelStride,
    outputRow: y.rowStride,
    outputPixel: y.pixelStride,
    tilePixels,
    overlap: g.outWidth % tilePixels !== 0,
    lastColumn: g.outWidth - tilePixels,
    pixels: Array.from({ length: tilePixels }, (_, i) => ({
      index: i,
      input: i * g.strides[1] * x.pixelStride,
      output: i * y.pixelStride,
    })),
  };
}
