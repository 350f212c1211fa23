import type { ConstantArray } from '../kernels/kernel.ts';
import { float32Text } from './describe.ts';

/** An array of the weights file, as its templates see it. */
export interface ArrayView {
  readonly type: string;
  readonly cName: string;
  /** `[1152]`, or `[3][256]`. */
  readonly dims: string;
  readonly comment: string;
  readonly rows: readonly string[];
}

type ArrayData = ConstantArray['data'];

const indent = 2;
const lineWidth = 120;

/** @param inner extents after the first, where the array has several dimensions */
export function arrayView(cName: string, data: ArrayData, comment: string, inner: readonly number[] = []): ArrayView {
  const perRow = inner.reduce((product, d) => product * d, 1);
  const dims = [data.length / perRow, ...inner].map((d) => `[${d}]`).join('');
  return { type: typeOf(data), cName, dims, comment, rows: rowsOf(data, inner) };
}

function typeOf(data: ArrayData): string {
  if (data instanceof Int8Array) return 'int8_t';
  if (data instanceof Uint8Array) return 'uint8_t';
  if (data instanceof Int16Array) return 'int16_t';
  if (data instanceof Uint16Array) return 'uint16_t';
  if (data instanceof Int32Array) return 'int32_t';
  if (data instanceof Uint32Array) return 'uint32_t';
  return 'float';
}

function rowsOf(data: ArrayData, inner: readonly number[]): string[] {
  const [length, ...rest] = inner;
  if (length === undefined) return numberRows(data, indent);
  const size = rest.reduce((product, d) => product * d, length);
  const rows: string[] = [];
  for (let at = 0; at < data.length; at += size) {
    rows.push('{', ...rowsOf(data.subarray(at, at + size), rest).map((row) => `  ${row}`), '},');
  }
  return rows;
}

/** Columns of one width, a power of two of them a line, so that a reader can count. */
function numberRows(data: ArrayData, margin: number): string[] {
  const texts = Array.from(data, (value) => literal(value, data));
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0);
  const fitting = Math.max(1, Math.floor((lineWidth - margin + 1) / (width + 2)));
  const columns = 2 ** Math.floor(Math.log2(fitting));
  const rows: string[] = [];
  for (let at = 0; at < texts.length; at += columns) {
    const row = texts.slice(at, at + columns).map((text) => `${text.padStart(width)},`);
    rows.push(row.join(' '));
  }
  return rows;
}

function literal(value: number, data: ArrayData): string {
  if (data instanceof Float32Array) return `${float32Text(value)}f`;
  if (data instanceof Uint32Array) return `${value}u`;
  // −2^31 is no literal but an expression, of a type that does not fit.
  return value === -(2 ** 31) ? '-2147483647 - 1' : String(value);
}
