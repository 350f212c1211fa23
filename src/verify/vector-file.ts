import { crc32 } from '../core/crc32.ts';

/**
 * The file of test vectors that a bundle's harness reads. Little endian:
 *
 *   header   8 bytes "NNVECTOR", u32 version (1), u32 fingerprint of the steps (see `fingerprintOf`)
 *   record   u32 kind, u32 step, u32 length, `length` bytes
 *   end      u32 0xFFFFFFFF, u32 number of records, u32 4, u32 CRC-32 of all bytes before this record
 *
 * Every tensor is dense, row-major, channels last (H, W, C), one byte an element.
 *
 *   kind 0   network, every byte: the network's inputs in graph order, the output of each step, the network's outputs
 *   kind 1   network, checksums: the inputs, the CRC-32 (u32) of each step's output, the network's outputs
 *   kind 2   one step: its activations in the order of the C function's parameters, the output
 *
 * `step` is 0 for kinds 0 and 1.
 */
export const vectorFileVersion = 1;

const magic = new TextEncoder().encode('NNVECTOR');
const end = 0xffffffff;

export type Bytes = Int8Array | Uint8Array;

/** One network vector: expected bytes of all steps, or their checksums only. */
export interface NetworkRecord {
  readonly kind: 'network' | 'checksums';
  readonly inputs: readonly Bytes[];
  /** The output of each step. */
  readonly steps: readonly Bytes[];
  readonly outputs: readonly Bytes[];
}

export interface StepRecord {
  readonly kind: 'step';
  readonly step: number;
  readonly inputs: readonly Bytes[];
  readonly output: Bytes;
}

export type VectorRecord = NetworkRecord | StepRecord;

/** What the fingerprint is made of: a file fits only the harness of the same steps. */
export interface StepSignature {
  readonly name: string;
  readonly inputBytes: readonly number[];
  readonly outputBytes: number;
}

/** The CRC-32 of the steps' names and sizes: `name:in+in>out;` for each. */
export function fingerprintOf(steps: readonly StepSignature[]): number {
  const text = steps.map((s) => `${s.name}:${s.inputBytes.join('+')}>${s.outputBytes};`).join('');
  return crc32(new TextEncoder().encode(text));
}

/** Builds a file piece by piece: pieces in order are the file. */
export interface VectorEncoder {
  header(): Uint8Array;
  record(record: VectorRecord): Uint8Array;
  end(): Uint8Array;
}

export function vectorEncoder(fingerprint: number): VectorEncoder {
  let crc = 0;
  let records = 0;
  const counted = (piece: Uint8Array): Uint8Array => {
    crc = crc32(piece, crc);
    return piece;
  };
  return {
    header: () => counted(concatenate([magic, words(vectorFileVersion, fingerprint)])),
    record(record) {
      records++;
      const payload = payloadOf(record);
      const length = payload.reduce((sum, part) => sum + part.length, 0);
      return counted(
        concatenate([words(kindOf(record), record.kind === 'step' ? record.step : 0, length), ...payload]),
      );
    },
    end: () => words(end, records, 4, crc),
  };
}

/** A whole file in memory. */
export function encodeVectors(fingerprint: number, records: Iterable<VectorRecord>): Uint8Array {
  const encoder = vectorEncoder(fingerprint);
  return concatenate([encoder.header(), ...Array.from(records, (r) => encoder.record(r)), encoder.end()]);
}

function kindOf(record: VectorRecord): number {
  return record.kind === 'network' ? 0 : record.kind === 'checksums' ? 1 : 2;
}

function payloadOf(record: VectorRecord): readonly Bytes[] {
  switch (record.kind) {
    case 'network':
      return [...record.inputs, ...record.steps, ...record.outputs];
    case 'checksums':
      return [...record.inputs, words(...record.steps.map((bytes) => crc32(bytes))), ...record.outputs];
    case 'step':
      return [...record.inputs, record.output];
  }
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return bytes;
}

function concatenate(parts: readonly Bytes[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * The network inputs of a file's whole-network vectors; undefined where the file is none of the steps that the fingerprint
 * stands for, or is damaged.
 * @param sizes bytes of each input
 */
export function decodeInputs(
  file: Uint8Array,
  fingerprint: number,
  sizes: readonly number[],
): Int8Array[][] | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const word = (at: number): number => view.getUint32(at, true);
  const body = file.length - 16;
  if (body < 16 || magic.some((byte, i) => file[i] !== byte) || word(8) !== vectorFileVersion) return undefined;
  if (word(12) !== fingerprint || word(body) !== end || word(body + 12) !== crc32(file.subarray(0, body)))
    return undefined;
  const samples: Int8Array[][] = [];
  for (let at = 16; at < body; at += 12 + word(at + 8)) {
    if (word(at) > 1) continue;
    let from = at + 12;
    samples.push(
      sizes.map((size) => {
        from += size;
        return Int8Array.from(file.subarray(from - size, from), (byte) => (byte << 24) >> 24);
      }),
    );
  }
  return samples;
}
