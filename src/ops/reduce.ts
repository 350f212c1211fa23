import { sizeOf } from '../graph/shape.ts';
import type { AveragePoolOp, MaxPoolOp, Pair, Tensor, UnaryFunction } from '../graph/types.ts';
import { parseAxes } from './axes.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import type { Importer, SourceParser } from './source.ts';

/**
 * ONNX's reductions over any axes: pools over the whole plane of an image. Its height and width are the reduced axes,
 * its channels the others.
 */

type PoolOf = (kernel: Pair) => AveragePoolOp | MaxPoolOp;

const whole = { strides: [1, 1], pads: [0, 0, 0, 0] } as const;
const averageOf: PoolOf = (kernel) => ({
  kind: 'averagePool',
  kernel,
  ...whole,
  ceilExtra: [0, 0],
  countIncludePad: false,
});
const sumOf: PoolOf = (kernel) => ({ ...(averageOf(kernel) as AveragePoolOp), sum: true });
const maximumOf: PoolOf = (kernel) => ({ kind: 'maxPool', kernel, ...whole, dilations: [1, 1] });

/** @param before a function of each element, and `after` of the result */
function parseAs(poolOf: PoolOf, before?: UnaryFunction, after?: UnaryFunction): SourceParser {
  return (im) => {
    const given = im.input(0);
    const applied = (fn: UnaryFunction | undefined, t: Tensor): Tensor =>
      fn === undefined ? t : im.emit({ kind: 'unary', fn }, [t.id]);
    const named = parseAxes(im, given.shape.length) ?? [];
    if (named.length === 0 && im.node.attributes.int('noop_with_empty_axes', 0) !== 0) {
      im.bind(applied(after, applied(before, given)));
      return;
    }
    const axes = named.length === 0 ? given.shape.map((_, axis) => axis) : named;
    const y = applied(after, reduced(im, applied(before, given), axes, poolOf));
    const keeps = im.node.attributes.int('keepdims', 1) !== 0;
    const kept = y.shape.filter((_, axis) => !axes.includes(axis));
    im.bind(keeps ? y : im.emit({ kind: 'reshape', shape: kept }, [y.id]));
  };
}

/** With extent 1 along the reduced axes. */
function reduced(im: Importer, x: Tensor, axes: readonly number[], poolOf: PoolOf): Tensor {
  const rank = x.shape.length;
  const isImage = rank === 3 || rank === 4;
  if (isImage && axes.every((axis) => axis >= 2)) return overChannelsFirst(im, x, axes, poolOf);
  if (rank === 4 && axes.every((axis) => axis === 1 || axis === 2)) {
    return im.emit(poolOf([axes.includes(1) ? x.shape[1]! : 1, axes.includes(2) ? x.shape[2]! : 1]), [x.id]);
  }
  const others = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const perm = [...axes, ...others];
  const sorted = perm.every((axis, i) => axis === i) ? x : im.emit({ kind: 'transpose', perm }, [x.id]);
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  const shape = [1, count, 1, sizeOf(x.shape) / count];
  const y = im.emit(poolOf([count, 1]), [im.emit({ kind: 'reshape', shape }, [sorted.id]).id]);
  return im.emit({ kind: 'reshape', shape: x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d)) }, [y.id]);
}

function overChannelsFirst(im: Importer, x: Tensor, axes: readonly number[], poolOf: PoolOf): Tensor {
  const rank = x.shape.length - 2;
  const image = emitChannelsLast(im, x);
  const [, height, width] = image.shape as [number, number, number];
  const kernel: Pair = rank === 1 ? [1, width] : [axes.includes(2) ? height : 1, axes.includes(3) ? width : 1];
  return emitChannelsFirst(im, im.emit(poolOf(kernel), [image.id]), rank);
}

const square: UnaryFunction = { name: 'power', exponent: 2 };

export const reductions: Readonly<Record<string, SourceParser>> = {
  ReduceMean: parseAs(averageOf),
  ReduceSum: parseAs(sumOf),
  ReduceMax: parseAs(maximumOf),
  // −max(−x)
  ReduceMin: parseAs(maximumOf, { name: 'neg' }, { name: 'neg' }),
  ReduceL1: parseAs(sumOf, { name: 'abs' }),
  ReduceL2: parseAs(sumOf, square, { name: 'sqrt' }),
  ReduceLogSum: parseAs(sumOf, undefined, { name: 'log' }),
  ReduceLogSumExp: parseAs(sumOf, { name: 'exp' }, { name: 'log' }),
  ReduceSumSquare: parseAs(sumOf, square),
};
