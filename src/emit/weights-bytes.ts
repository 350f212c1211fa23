import type { ConstantArray } from '../kernels/kernel.ts';

/** What 16-byte loads like best; the alignment of every constant. */
export const alignment = 16;

type Data = ConstantArray['data'];

/** The arrays as bytes, little endian, each aligned; the whole is a multiple of the alignment. */
export function joinAligned(arrays: readonly Data[]): { contents: Uint8Array; starts: readonly number[] } {
  const starts: number[] = [];
  let bytes = 0;
  for (const data of arrays) {
    starts.push(bytes);
    bytes += Math.ceil(data.byteLength / alignment) * alignment;
  }
  const contents = new Uint8Array(bytes);
  arrays.forEach((data, i) => {
    contents.set(littleEndian(data), starts[i]);
  });
  return { contents, starts };
}

function littleEndian(data: Data): Uint8Array {
  const bytes = new Uint8Array(data.byteLength);
  const view = new DataView(bytes.buffer);
  data.forEach((value: number, i: number) => {
    const at = i * data.BYTES_PER_ELEMENT;
    if (data instanceof Float32Array) view.setFloat32(at, value, true);
    else if (data.BYTES_PER_ELEMENT === 4) view.setUint32(at, value, true);
    else if (data.BYTES_PER_ELEMENT === 2) view.setUint16(at, value, true);
    else view.setUint8(at, value);
  });
  return bytes;
}
