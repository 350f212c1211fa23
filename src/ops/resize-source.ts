import { formatShape, sizeOf } from '../graph/shape.ts';
import type { CoordinateTransform, NearestRounding, Pair, ResizeOp, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import type { Importer } from './source.ts';

/** How the extents of all axes change; `scales` are float32. */
interface Target {
  readonly scales: readonly number[];
  readonly sizes: readonly number[];
}

type Method = Pick<ResizeOp, 'mode' | 'transform' | 'rounding'>;

/** ONNX Upsample (removed in opset 10): Resize of whole factors. */
export function parseUpsample(im: Importer): void {
  const x = im.input(0);
  const { attributes, opset } = im.node;
  const factors = opset < 9 ? attributes.floats('scales') : Array.from(im.constant(1).data);
  const mode = modeOf(im, attributes.string('mode', 'nearest'));
  emit(im, x, scaled(im, x, factors), { mode, transform: 'asymmetric', rounding: 'floor' });
}

/** ONNX Resize, from its first version (opset 10) on. */
export function parseResize(im: Importer): void {
  const { attributes, opset } = im.node;
  const x = im.input(0);
  const mode = modeOf(im, attributes.string('mode', 'nearest'));
  if (opset < 11) {
    const target = scaled(im, x, Array.from(im.constant(1).data));
    const shrinks = target.scales.some((s) => s < 1);
    emit(im, x, target, { mode, transform: 'asymmetric', rounding: shrinks ? 'ceil' : 'floor' });
    return;
  }
  const target = targetOf(im, x);
  if (attributes.int('antialias', 0) !== 0 && target.scales.some((s) => s < 1)) {
    throw im.refuse('an antialiased Resize', 'Scale down by an average pool or a strided convolution.');
  }
  emit(im, x, target, { mode, ...coordinatesOf(im, x, target, mode) });
}

function modeOf(im: Importer, mode: string): ResizeOp['mode'] {
  if (mode === 'nearest' || mode === 'linear' || mode === 'bilinear') return mode === 'nearest' ? 'nearest' : 'linear';
  if (mode === 'cubic') throw im.refuse('a cubic Resize', 'Use linear or nearest interpolation.');
  throw im.invalid(`its mode is ${mode}`);
}

/** ONNX and ONNX Runtime differ in what the corners of such an output are. */
function refuseCorners(im: Importer, x: Tensor, { scales }: Target): void {
  const whole = scales.every((s, i) => Number.isInteger(Math.fround(x.shape[i]! * s)));
  if (whole) return;
  throw im.refuse('align_corners with scales that give no whole sizes', 'Give the sizes instead.');
}

function scaled(im: Importer, x: Tensor, factors: readonly number[]): Target {
  const scales = factors.map(Math.fround);
  if (scales.length !== x.shape.length || scales.some((s) => !(s > 0))) {
    throw im.invalid(`scales ${factors.join(', ')} do not fit ${formatShape(x.shape)}`);
  }
  return { scales, sizes: x.shape.map((d, i) => Math.floor(Math.fround(d * scales[i]!))) };
}

/** From `scales` or `sizes`, of all axes or of `axes` (opset 18). */
function targetOf(im: Importer, x: Tensor): Target {
  const { attributes } = im.node;
  const rank = x.shape.length;
  const axes = attributes.has('axes')
    ? attributes.ints('axes').map((a) => normalizeAxis(im, a, rank))
    : x.shape.map((_, axis) => axis);
  const given = (index: number): readonly number[] => (im.has(index) ? Array.from(im.constant(index).data) : []);
  const spread = (values: readonly number[], others: readonly number[]): number[] =>
    others.map((other, axis) => (axes.includes(axis) ? (values[axes.indexOf(axis)] ?? other) : other));
  const [factors, extents] = [given(2), given(3)];
  if (factors.length > 0) {
    const ones = x.shape.map(() => 1);
    const target = scaled(im, x, spread(factors, ones));
    if (attributes.string('coordinate_transformation_mode', '') === 'align_corners') refuseCorners(im, x, target);
    return target;
  }
  if (extents.length !== axes.length) throw im.invalid('it has neither scales nor sizes for its axes');
  const policy = attributes.string('keep_aspect_ratio_policy', 'stretch');
  const sizes = spread(extents, x.shape);
  if (policy === 'stretch') return { sizes, scales: sizes.map((d, i) => Math.fround(d / x.shape[i]!)) };
  const ratios = axes.map((axis) => sizes[axis]! / x.shape[axis]!);
  const ratio = Math.fround(policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios));
  const kept = x.shape.map((d, axis) => (axes.includes(axis) ? Math.round(d * ratio) : d));
  const exact = axes.every((axis) => {
    const [d, size] = [x.shape[axis]!, kept[axis]!];
    return size === Math.floor(Math.fround(d * ratio)) || Math.fround(size / d) === ratio;
  });
  if (!exact) throw im.refuse(`a scale of ${ratio} to rounded sizes`, `Give the sizes ${kept.join('×')} themselves.`);
  return { sizes: kept, scales: kept.map((_, axis) => (axes.includes(axis) ? ratio : 1)) };
}

function coordinatesOf(im: Importer, x: Tensor, target: Target, mode: string): Omit<Method, 'mode'> {
  const { attributes } = im.node;
  const transform = attributes.string('coordinate_transformation_mode', 'half_pixel');
  const rounding = attributes.string('nearest_mode', 'round_prefer_floor');
  if (!['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].includes(rounding)) {
    throw im.invalid(`its nearest_mode is ${rounding}`);
  }
  const nearest = rounding as NearestRounding;
  switch (transform) {
    case 'half_pixel':
    case 'pytorch_half_pixel':
    case 'align_corners':
    case 'asymmetric':
      return { transform: transform as CoordinateTransform, rounding: nearest };
    case 'half_pixel_symmetric': {
      // Where sizes are what the scales give, nothing is shifted.
      const whole = target.sizes.every((d, i) => Math.fround(x.shape[i]! * target.scales[i]!) === d);
      if (whole) return { transform: 'half_pixel', rounding: nearest };
      break;
    }
    case 'tf_half_pixel_for_nn':
      // ⌊(i + ½) / s⌋ is (i + ½) / s − ½, rounded with halves up.
      if (mode === 'nearest' && nearest === 'floor') return { transform: 'half_pixel', rounding: 'round_prefer_ceil' };
      break;
  }
  throw im.refuse(
    `coordinate_transformation_mode ${transform}`,
    'Export with half_pixel, pytorch_half_pixel, align_corners or asymmetric.',
  );
}

/** Up to two axes next to each other change: those of an image, or any others, made those of one. */
function emit(im: Importer, x: Tensor, { scales, sizes }: Target, method: Method): void {
  if (sizes.some((d) => d < 1)) throw im.invalid(`it shrinks ${formatShape(x.shape)} to nothing`);
  const changed = x.shape.flatMap((d, axis) => (sizes[axis] === d && scales[axis] === 1 ? [] : [axis]));
  const [first] = changed;
  if (first === undefined) {
    im.bind(x);
    return;
  }
  const last = changed.at(-1)!;
  if (last - first > 1) throw im.refuse(`a Resize of axes ${changed.join(', ')}`, 'Only height and width can change.');
  const rank = x.shape.length;
  const at = (values: readonly number[], axes: Pair): Pair => [values[axes[0]] ?? 1, values[axes[1]] ?? 1];
  const resized = (image: Tensor, axes: Pair): Tensor =>
    im.emit({ kind: 'resize', ...method, scales: at(scales, axes), size: at(sizes, axes) }, [image.id]);
  if (rank === 4 && first >= 2) {
    im.bind(emitChannelsFirst(im, resized(emitChannelsLast(im, x), [2, 3]), 2));
  } else if (rank === 4 && last <= 2 && first >= 1) {
    im.bind(resized(x, [1, 2]));
  } else if (rank === 3 && first === 2) {
    im.bind(emitChannelsFirst(im, resized(emitChannelsLast(im, x), [-1, 2]), 1));
  } else {
    const [before, after] = [sizeOf(x.shape.slice(0, first)), sizeOf(x.shape.slice(last + 1))];
    const middle = last === first ? [1, x.shape[first]!] : [x.shape[first]!, x.shape[last]!];
    const image = im.emit({ kind: 'reshape', shape: [before, ...middle, after] }, [x.id]);
    const y = resized(image, last === first ? [-1, first] : [first, last]);
    im.bind(im.emit({ kind: 'reshape', shape: sizes }, [y.id]));
  }
}
