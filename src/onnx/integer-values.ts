import { sizeOf } from '../graph/shape.ts';
import type { QuantParams, TensorId } from '../graph/types.ts';
import type { Importer } from '../ops/source.ts';

/**
 * Values that hold int8 or uint8 in the file: behind a QuantizeLinear, at integer inputs, and what is moved from there. The
 * graph has the real tensor that the integers stand for; a `fakeQuant` in front of it says the grid.
 */
export interface IntegerValue {
  readonly dtype: IntegerType;
  /** Scale and zero point in the file's own integers; unknown for an input until its first reader says them. */
  grid: { readonly scale: number; readonly zeroPoint: number } | undefined;
  /** The real tensor in front of the rounding, for a Clip behind it. */
  readonly source?: TensorId;
}

export type IntegerType = 'int8' | 'uint8';

export function isIntegerType(dtype: string | undefined): dtype is IntegerType {
  return dtype === 'int8' || dtype === 'uint8';
}

/** What the parsers below need beyond the Importer. */
export interface IntegerContext {
  readonly im: Importer;
  /** By ONNX name. */
  readonly integers: Map<string, IntegerValue>;
}

type IntegerParser = (context: IntegerContext) => void;

const ranges = { int8: [-128, 127], uint8: [0, 255] } as const;

/**
 * The grid in signed integers: unsigned ones move down by half of their range, zero point and bounds alike, which leaves
 * every real value where it was.
 */
export function signedGrid(
  dtype: IntegerType,
  scale: number,
  zeroPoint: number,
  bounds: readonly [number, number] = ranges[dtype],
): QuantParams {
  const lo = Math.max(ranges[dtype][0], bounds[0]);
  const hi = Math.min(ranges[dtype][1], bounds[1]);
  const half = dtype === 'uint8' ? 2 ** Math.ceil(Math.log2(hi + 1)) / 2 : 0;
  return { scale: [scale], zeroPoint: zeroPoint - half, qmin: lo - half, qmax: hi - half };
}

/** QuantizeLinear of a computed tensor: rounds it, and its output holds the integers. */
function quantizeLinear({ im, integers }: IntegerContext): void {
  const { grid, dtype } = gridOf(im, im.has(2) ? undefined : 'uint8');
  const x = im.input(0);
  const quant = checkedGrid(im, dtype, grid, undefined);
  im.bind(im.emit({ kind: 'fakeQuant', quant }, [x.id]));
  integers.set(im.node.outputs[0]!, { dtype, grid, source: x.id });
}

/** DequantizeLinear of integers on a known grid changes nothing; of an integer input, it says the grid. */
function dequantizeLinear({ im, integers }: IntegerContext): void {
  const value = integers.get(im.node.inputs[0] ?? '');
  if (value === undefined) {
    throw im.refuse(
      'its input holds no int8 or uint8 values of a QuantizeLinear',
      'Give each DequantizeLinear a QuantizeLinear with the same scale and zero point, or an integer input of the model.',
    );
  }
  const { grid } = gridOf(im, value.dtype);
  if (value.grid === undefined) value.grid = grid;
  else if (value.grid.scale !== grid.scale || value.grid.zeroPoint !== grid.zeroPoint) {
    throw im.refuse(
      'its scale or zero point differs from that of the QuantizeLinear before it',
      'Dequantize with the parameters that the values were quantized with; rescaling belongs into a DequantizeLinear/QuantizeLinear pair.',
    );
  }
  if (value.source !== undefined) {
    im.bind(im.input(0));
    return;
  }
  im.bind(im.emit({ kind: 'fakeQuant', quant: checkedGrid(im, value.dtype, grid, undefined) }, [im.input(0).id]));
}

/** A Clip of integers narrows the range that they are rounded to. */
function clip({ im, integers }: IntegerContext): void {
  const value = integers.get(im.node.inputs[0] ?? '')!;
  const { dtype, grid, source } = value;
  if (grid === undefined || source === undefined) {
    throw im.refuse('a Clip of integers without a QuantizeLinear before it', 'Clip behind the QuantizeLinear.');
  }
  const [least, most] = ranges[dtype];
  const bounds = [im.has(1) ? im.constant(1).data[0]! : least, im.has(2) ? im.constant(2).data[0]! : most] as const;
  im.bind(im.emit({ kind: 'fakeQuant', quant: checkedGrid(im, dtype, grid, bounds) }, [source]));
  integers.set(im.node.outputs[0]!, value);
}

/** Operators that move integers from one place to another. */
const movers = new Set([
  'MaxPool',
  'GlobalMaxPool',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Identity',
  'Dropout',
  'DepthToSpace',
  'SpaceToDepth',
  'Slice',
  'Split',
  'Gather',
  'Resize',
  'Upsample',
  'Concat',
]);

/** The parser of an operator on integers; undefined where it reads none, or only moves them (see `markMoved`). */
export function integerParser(context: IntegerContext): IntegerParser | undefined {
  const { opType, domain, inputs } = context.im.node;
  if (domain === '' || domain === 'com.microsoft') {
    if (opType === 'QuantizeLinear') return quantizeLinear;
    if (opType === 'DequantizeLinear') return dequantizeLinear;
  }
  if (!inputs.some((name) => context.integers.has(name))) return undefined;
  if (opType === 'Clip') return clip;
  return movers.has(opType) ? undefined : refuse;
}

function refuse({ im, integers }: IntegerContext): void {
  const name = im.node.inputs.find((input) => integers.has(input));
  throw im.refuse(
    `it computes with the integers of "${name}" as if they were numbers`,
    'Put a DequantizeLinear before it and a QuantizeLinear behind it.',
  );
}

/** Marks the outputs of an operator that moves integers. All parts of a Concat must be on one grid. */
export function markMoved(context: IntegerContext): void {
  const { im, integers } = context;
  const values = im.node.inputs.flatMap((name) => integers.get(name) ?? []);
  const [first] = values;
  if (first === undefined || !movers.has(im.node.opType)) return;
  const alike = values.every(
    ({ dtype, grid }) =>
      dtype === first.dtype && grid?.scale === first.grid?.scale && grid?.zeroPoint === first.grid?.zeroPoint,
  );
  if (!alike) throw im.refuse('its parts hold integers of different scales', 'Dequantize them before they are joined.');
  for (const output of im.node.outputs) integers.set(output, first);
}

/** Scale and zero point of a QuantizeLinear or DequantizeLinear, one value each. */
function gridOf(
  im: Importer,
  implied: IntegerType | undefined,
): { readonly grid: { readonly scale: number; readonly zeroPoint: number }; readonly dtype: IntegerType } {
  const scale = im.constant(1);
  if (sizeOf(scale.shape) !== 1) {
    throw im.refuse('activations with a scale for each channel', 'Quantize activations with one scale a tensor.');
  }
  const zero = im.has(2) ? im.constant(2) : undefined;
  const dtype = zero?.dtype ?? implied;
  if (!isIntegerType(dtype)) throw im.refuse(`quantization to ${dtype}`, 'Quantize activations to int8 or uint8.');
  if (!(scale.data[0]! > 0)) throw im.invalid(`its scale is ${scale.data[0]}`);
  return { grid: { scale: scale.data[0]!, zeroPoint: zero?.data[0] ?? 0 }, dtype };
}

function checkedGrid(
  im: Importer,
  dtype: IntegerType,
  { scale, zeroPoint }: { readonly scale: number; readonly zeroPoint: number },
  bounds: readonly [number, number] | undefined,
): QuantParams {
  const quant = signedGrid(dtype, scale, zeroPoint, bounds);
  const { qmin, qmax, zeroPoint: zero } = quant;
  if (!(qmin < qmax)) throw im.invalid(`it clips to [${bounds?.join(', ')}]`);
  if (zero >= qmin && zero <= qmax) return quant;
  throw im.refuse(
    `its zero point ${zeroPoint} lies outside of the clipped range`,
    'Real 0, with which convolutions pad, must be among the quantized values.',
  );
}
