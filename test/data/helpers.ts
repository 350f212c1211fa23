import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { formatDiagnostic, NeonarrowError } from '../../src/core/diagnostics.ts';
import type { InputSpec } from '../../src/data/input.ts';

/** A folder of this test file's own, removed afterwards. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'neonarrow-data-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function fileWriter(folder: string): (name: string, data: Uint8Array | string) => string {
  return (name, data) => {
    const path = join(folder, name);
    writeFileSync(path, data);
    return path;
  };
}

/** The terminal's form of a rejection, with the temporary folder's name taken out. */
export async function rejection(work: () => unknown, folder = '/none'): Promise<string> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(NeonarrowError);
    const known = error as NeonarrowError;
    expect(known.kind).toBe('reject');
    return formatDiagnostic(known).replaceAll(`${folder}/`, '');
  }
  throw new Error('nothing was rejected');
}

export const nchw = (channels: number, height: number, width: number): InputSpec => ({
  shape: [1, channels, height, width],
  layout: 'NCHW',
});

export const nhwc = (height: number, width: number, channels: number): InputSpec => ({
  shape: [1, height, width, channels],
  layout: 'NHWC',
});

export const plain = (...dims: number[]): InputSpec => ({ shape: [1, ...dims], layout: 'other' });

/** An .npy file as NumPy writes it: header padded to 64 bytes. */
export function npy(descr: string, shape: readonly number[], data: ArrayBufferView, fortran = false): Uint8Array {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const length = Buffer.from([header.length & 255, header.length >> 8]);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header, 'latin1'), body]);
}

/** 0, 1, 2, … as bytes. */
export const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);
