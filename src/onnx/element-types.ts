import type { DType, TensorData } from '../graph/types.ts';

/** ONNX element types (onnx.proto, TensorProto.DataType), with those that came after onnx-proto's schema. */
export interface ElementType {
  readonly name: string;
  /** How neonarrow holds it; undefined where it does not. */
  readonly dtype: DType | undefined;
  /** Bytes an element in `raw_data`. */
  readonly bytes: number;
  /** The typed field that holds the elements where there is no `raw_data`. */
  readonly field: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data' | undefined;
  /** Reads `raw_data`. */
  readonly read: ((view: DataView, offset: number) => number) | undefined;
}

function entry(
  name: string,
  dtype?: DType,
  bytes = 0,
  field?: ElementType['field'],
  read?: ElementType['read'],
): ElementType {
  return { name, dtype, bytes, field, read };
}

const types: ReadonlyMap<number, ElementType> = new Map([
  [1, entry('float', 'float32', 4, 'floatData', (v, at) => v.getFloat32(at, true))],
  [2, entry('uint8', 'uint8', 1, 'int32Data', (v, at) => v.getUint8(at))],
  [3, entry('int8', 'int8', 1, 'int32Data', (v, at) => v.getInt8(at))],
  [4, entry('uint16', 'int32', 2, 'int32Data', (v, at) => v.getUint16(at, true))],
  [5, entry('int16', 'int32', 2, 'int32Data', (v, at) => v.getInt16(at, true))],
  [6, entry('int32', 'int32', 4, 'int32Data', (v, at) => v.getInt32(at, true))],
  [7, entry('int64', 'int64', 8, 'int64Data', (v, at) => saturated(v.getBigInt64(at, true)))],
  [8, entry('string')],
  [9, entry('bool', 'bool', 1, 'int32Data', (v, at) => v.getUint8(at))],
  [10, entry('float16', 'float32', 2, 'int32Data', (v, at) => float16(v.getUint16(at, true)))],
  [11, entry('double', 'float32', 8, 'doubleData', (v, at) => v.getFloat64(at, true))],
  [12, entry('uint32', 'int64', 4, 'uint64Data', (v, at) => v.getUint32(at, true))],
  [13, entry('uint64', 'int64', 8, 'uint64Data', (v, at) => saturated(v.getBigUint64(at, true)))],
  [14, entry('complex64')],
  [15, entry('complex128')],
  [16, entry('bfloat16', 'float32', 2, 'int32Data', (v, at) => bfloat16(v.getUint16(at, true)))],
  [17, entry('float8e4m3fn')],
  [18, entry('float8e4m3fnuz')],
  [19, entry('float8e5m2')],
  [20, entry('float8e5m2fnuz')],
  [21, entry('uint4')],
  [22, entry('int4')],
]);

export function elementType(code: number): ElementType {
  return types.get(code) ?? entry(`type ${code}`);
}

/** Elements of the typed fields come as their bit patterns for the 16-bit floats. */
export function fromTypedField(type: ElementType, value: number): number {
  if (type.name === 'float16') return float16(value);
  return type.name === 'bfloat16' ? bfloat16(value) : value;
}

/** The element type that each dtype is written as. */
export const codeOf: Readonly<Record<DType, number>> = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9 };

export function newData(dtype: DType, length: number): TensorData {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new Float64Array(length);
  }
}

/** int64 as a number: Slice says "to the end" with the largest int64, which any number beyond every extent replaces. */
export function saturated(value: bigint): number {
  const limit = Number.MAX_SAFE_INTEGER;
  return value > BigInt(limit) ? limit : value < BigInt(-limit) ? -limit : Number(value);
}

/** IEEE 754 binary16. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, (bits << 16) >>> 0);
  return view.getFloat32(0);
}
