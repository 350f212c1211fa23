import { reject } from '../core/diagnostics.ts';

/** Element types that samples and labels can have; NumPy's names, little-endian. */
const TYPES = {
  u1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  f4: Float32Array,
  f8: Float64Array,
} as const;

export type NpyData = InstanceType<(typeof TYPES)[keyof typeof TYPES]>;

export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: NpyData;
}

/**
 * Reads NumPy's .npy format, versions 1 to 3 (numpy.lib.format), C order, little-endian numbers.
 *
 * @param place the file (and the array in it), for messages
 * @throws reject `bad-npy` for a corrupt header or size, `npy-type` for elements that are no such numbers
 */
export function parseNpy(bytes: Uint8Array, place: string): NpyArray {
  const { header, start } = readHeader(bytes, place);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  // A structured array has a list as its descr.
  if (descr === undefined && /'descr'\s*:\s*\[/.test(header)) throw wrongType('a structure', place);
  if (descr === undefined || order === undefined || dims === undefined) throw corrupt('Its header is corrupt', place);
  if (order === 'True') throw wrongType('in Fortran order', place);
  const ArrayType = typeOf(descr, place);
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  const elements = shape.reduce((a, b) => a * b, 1);
  const size = elements * ArrayType.BYTES_PER_ELEMENT;
  const there = bytes.length - start;
  if (size !== there) {
    throw corrupt(`Its header says ${shape.join('×')} ${descr}, ${size} bytes, but ${there} bytes follow`, place);
  }
  // A copy, since a typed array must start at a multiple of its element's size. (A Buffer's slice would be no copy.)
  const aligned = new Uint8Array(bytes.subarray(start));
  return { shape, data: new ArrayType(aligned.buffer, 0, elements) };
}

function readHeader(bytes: Uint8Array, place: string): { header: string; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = '\x93NUMPY';
  const isNpy = bytes.length >= 12 && [...magic].every((char, i) => bytes[i] === char.charCodeAt(0));
  if (!isNpy) throw corrupt('It does not begin as an .npy array does', place);
  const major = view.getUint8(6);
  if (major < 1 || major > 3) throw corrupt(`It has format version ${major}, which is unknown`, place);
  const from = major === 1 ? 10 : 12;
  const start = from + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) throw corrupt('It ends within its header', place);
  return { header: new TextDecoder('latin1').decode(bytes.subarray(from, start)), start };
}

function typeOf(descr: string, place: string) {
  const [, endian, name] = /^([<>|=])(\w+)$/.exec(descr) ?? [];
  if (endian === '>') throw wrongType(`big-endian (${descr})`, place);
  if (name !== undefined && name in TYPES) return TYPES[name as keyof typeof TYPES];
  throw wrongType(descr, place);
}

function corrupt(what: string, place: string) {
  const hint = 'Write it again with numpy.save or numpy.savez_compressed.';
  return reject({ code: 'bad-npy', message: `This is not a whole NumPy array: ${lowerFirst(what)}.`, place, hint });
}

function wrongType(what: string, place: string) {
  const hint = "Save it as numpy.ascontiguousarray(x, dtype='uint8') for pixels or dtype='float32' for real inputs.";
  return reject({ code: 'npy-type', message: `The array is ${what}, which is not read.`, place, hint });
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
