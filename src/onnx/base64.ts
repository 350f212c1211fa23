/** The values' bytes in base64, little endian: as metadata holds long arrays. */
export function encode(data: Int8Array | Int32Array | Float32Array): string {
  const view = new DataView(new ArrayBuffer(data.byteLength));
  data.forEach((value, i) => {
    if (data instanceof Int8Array) view.setInt8(i, value);
    else if (data instanceof Int32Array) view.setInt32(4 * i, value, true);
    else view.setFloat32(4 * i, value, true);
  });
  return Buffer.from(view.buffer).toString('base64');
}

/** The int8 values that `encode` wrote. */
export function decodeInt8(text: string): Int8Array {
  return Int8Array.from(Buffer.from(text, 'base64'));
}

/** The bytes that `encode` wrote. */
export function decode(text: string): DataView {
  const data = Buffer.from(text, 'base64');
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}
