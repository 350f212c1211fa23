import { crc32 } from '../core/crc32.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { commentOf, declaration, type PlacedArray, placedArrays } from './weights-arrays.ts';
import { alignment, joinAligned } from './weights-bytes.ts';

/**
 * The file of constants that `<model>_load` checks. Little endian:
 *
 *   0   "NNWEIGHT"
 *   8   u32 version (1)
 *   12  u32 bytes behind the header
 *   16  u32 CRC-32 of them
 *   20  u32 fingerprint of the layout: CRC-32 of `name:type:count;` for each array
 *   24  8 bytes of zeros
 *   32  SHA-256 of the model file
 *   64  the arrays, each aligned to 16 bytes
 */
const version = 1;
const headerBytes = 64;
const magic = 'NNWEIGHT';

/** Where a bundle keeps the constants that its program loads. */
export function weightsFilePath(model: string): string {
  return `data/${model}_weights.bin`;
}

export function emitWeightsFile(model: string, modelHash: string, arrays: readonly PlacedArray[]): SourceFile {
  const { contents: payload } = joinAligned(arrays.map(({ array }) => array.data));
  const contents = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(contents.buffer);
  contents.set(new TextEncoder().encode(magic));
  view.setUint32(8, version, true);
  view.setUint32(12, payload.length, true);
  view.setUint32(16, crc32(payload), true);
  view.setUint32(20, fingerprintOf(arrays), true);
  contents.set(hashBytes(modelHash), 32);
  contents.set(payload, headerBytes);
  return { path: weightsFilePath(model), contents };
}

/** Bytes of that file. */
export function loadedFileBytes(context: EmitContext): number {
  return headerBytes + joinAligned(loadedArrays(context).map(({ array }) => array.data)).contents.length;
}

/** The struct that the file's arrays are read through. */
export function structView(model: string, arrays: readonly PlacedArray[]): object {
  const { contents, starts } = joinAligned(arrays.map(({ array }) => array.data));
  return {
    struct: `${model}_weights`,
    alignment,
    bytes: contents.length,
    members: arrays.map((placed, i) => ({ ...declaration(placed), comment: commentOf(placed), offset: starts[i]! })),
  };
}

/** What the C of `<model>_load` needs to know. */
export function loadView(context: EmitContext): object {
  const arrays = loadedArrays(context);
  const hash = Array.from(hashBytes(context.options.modelHash), (byte) => `0x${hex(byte, 2)},`);
  return {
    struct: `${context.prefix}_weights`,
    version,
    headerBytes,
    bytes: loadedFileBytes(context) - headerBytes,
    fingerprint: `0x${hex(fingerprintOf(arrays), 8)}`,
    hash: [0, 16].map((from) => hash.slice(from, from + 16).join(' ')),
  };
}

function loadedArrays(context: EmitContext): PlacedArray[] {
  return placedArrays(context).filter(({ form }) => form === 'binary');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function fingerprintOf(arrays: readonly PlacedArray[]): number {
  const text = arrays.map((placed) => {
    const { type, cName } = declaration(placed);
    return `${cName}:${type}:${placed.array.data.length};`;
  });
  return crc32(new TextEncoder().encode(text.join('')));
}

function hashBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16) || 0);
}
