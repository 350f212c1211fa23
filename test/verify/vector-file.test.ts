import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { crc32 } from '../../src/core/crc32.ts';
import { encodeVectors, fingerprintOf } from '../../src/verify/vector-file.ts';

test('crc32 has the check value of its catalogue entry, and continues', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect(crc32(bytes)).toBe(0xcbf43926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf43926);
  expect(crc32(Int8Array.from(bytes))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
  expect(crc32(Uint8Array.of(0, 255, 128))).toBe(zlibCrc32(Uint8Array.of(0, 255, 128)));
});

describe('the file of vectors', () => {
  test('has the documented bytes', () => {
    const bytes = encodeVectors(0x01020304, [
      { kind: 'network', inputs: [Int8Array.of(-1)], steps: [Int8Array.of(2, 3)], outputs: [Int8Array.of(4)] },
      { kind: 'checksums', inputs: [Int8Array.of(-1)], steps: [Int8Array.of(2, 3)], outputs: [Int8Array.of(4)] },
      { kind: 'step', step: 5, inputs: [Int8Array.of(6), Int8Array.of(7)], output: Int8Array.of(-128) },
    ]);
    const hex = Buffer.from(bytes).toString('hex');
    const body = [
      '4e4e564543544f52',
      '01000000',
      '04030201',
      '000000000000000004000000ff020304',
      `010000000000000006000000ff${little(zlibCrc32(Uint8Array.of(2, 3)))}04`,
      '0200000005000000030000000607' + '80',
    ].join('');
    expect(hex).toBe(`${body}ffffffff0300000004000000${little(zlibCrc32(Buffer.from(body, 'hex')))}`);
  });

  test('belongs to the steps of one program', () => {
    const step = { name: 'a', inputBytes: [3, 4], outputBytes: 7 };
    const fingerprint = fingerprintOf([step]);
    expect(fingerprintOf([{ ...step }])).toBe(fingerprint);
    for (const other of [
      { ...step, name: 'b' },
      { ...step, inputBytes: [34] },
      { ...step, outputBytes: 8 },
    ]) {
      expect(fingerprintOf([other])).not.toBe(fingerprint);
    }
  });
});

function little(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('hex');
}
