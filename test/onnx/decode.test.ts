import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { ModelNode } from '../../src/onnx/model.ts';
import { buildModel, importError, int64, oneConv, tensor } from './model-helper.ts';

const { onnx } = onnxProto;

const { weights: w, node: conv, model: plain } = oneConv;

describe('a file that is no model', () => {
  const hint = 'Export or download the model again; neonarrow reads ONNX files (.onnx).';
  const whole = encodeModel(buildModel(plain));
  it.each([
    ['empty', new Uint8Array(), 'it is empty'],
    ['text', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'it is truncated or in another format'],
    ['truncated', whole.slice(0, whole.length - 100), 'it is truncated or in another format'],
    ['a bare header', whole.slice(0, 2), 'it holds no complete model'],
  ])('%s', async (_name, bytes, why) => {
    const message = `this is no ONNX model: ${why}`;
    expect(await importError(bytes)).toEqual({
      kind: 'reject',
      code: 'not-an-onnx-file',
      message,
      place: 'net.onnx',
      hint,
    });
  });

  it('is named at every truncation', async () => {
    for (let length = 0; length < whole.length; length += 7) {
      expect(await importError(whole.slice(0, length)), `${length} bytes`).toMatchObject({ code: 'not-an-onnx-file' });
    }
  });
});

describe('decoding', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'neonarrow-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The plain model with its weights' protobuf replaced. */
  function withWeights(initializer: Parameters<typeof onnx.TensorProto.create>[0] & object): Uint8Array {
    const model = onnx.ModelProto.decode(encodeModel(buildModel(plain)));
    model.graph!.initializer = [{ name: 'w', dims: [4, 3, 3, 3], ...initializer }];
    return onnx.ModelProto.encode(model).finish();
  }
  const read = async (bytes: Uint8Array): Promise<number[]> =>
    Array.from((await decodeModel(bytes, join(folder, 'net.onnx'))).initializers.get('w')!.data);

  it('gives back what encode wrote', async () => {
    const model = buildModel({
      ...plain,
      nodes: [
        {
          ...conv,
          attributes: { pads: [1, 0, 1, 0], auto_pad: 'NOTSET', alpha: { float: 0.5 }, f: { floats: [1, 2] }, t: w },
        },
      ],
      constants: { w, a: int64(-1, 5), b: tensor([2], Int8Array.of(-128, 127)), c: tensor([1], Int32Array.of(-7)) },
    });
    const again = await decodeModel(encodeModel(model), 'net.onnx');
    expect(again).toEqual({
      ...model,
      outputs: [{ name: 'n0', dtype: undefined, elementType: 'type 0', shape: undefined }],
    });
    expect(encodeModel(again)).toEqual(encodeModel(model));
  });

  it('reads typed fields', async () => {
    expect(await read(withWeights({ dataType: 1, floatData: [...w.data] }))).toEqual([...w.data]);
    const half = withWeights({ dims: [5], dataType: 10, int32Data: [0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff] });
    expect(await read(half)).toEqual([1, -2, Math.fround(0.333251953125), 2 ** -24, 65504]);
    expect(await read(withWeights({ dims: [2], dataType: 7, int64Data: [-3, 9] }))).toEqual([-3, 9]);
    expect(await read(withWeights({ dims: [2], dataType: 11, doubleData: [0.5, 2] }))).toEqual([0.5, 2]);
  });

  it.each([
    [1, 'float', Float32Array.of(0.1, -3e38, Number.NaN)],
    [2, 'uint8', Uint8Array.of(0, 128, 255)],
    [3, 'int8', Int8Array.of(-128, -1, 127)],
    [4, 'uint16', Uint16Array.of(0, 2 ** 15, 2 ** 16 - 1)],
    [5, 'int16', Int16Array.of(-(2 ** 15), -1, 7)],
    [6, 'int32', Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1)],
    [9, 'bool', Uint8Array.of(0, 1, 1)],
    [11, 'double', Float64Array.of(0.5, -2, 1e30)],
    [12, 'uint32', Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1)],
  ])('reads raw data of type %i, %s', async (dataType, name, data) => {
    const rawData = new Uint8Array(data.buffer);
    const held = name === 'double' ? Array.from(data, Math.fround) : [...data];
    expect(await read(withWeights({ dims: [3], dataType, rawData }))).toEqual(held);
  });

  it('reads float16 and int64 from raw data', async () => {
    const half = new Uint8Array(Uint16Array.of(0x3c00, 0xbc00).buffer);
    expect(await read(withWeights({ dims: [2], dataType: 10, rawData: half }))).toEqual([1, -1]);
    const long = new Uint8Array(BigInt64Array.of(-1n, 2n ** 63n - 1n).buffer);
    expect(await read(withWeights({ dims: [2], dataType: 7, rawData: long }))).toEqual([-1, Number.MAX_SAFE_INTEGER]);
  });

  it('rejects data of the wrong length', async () => {
    expect(await importError(withWeights({ dataType: 1, rawData: new Uint8Array(8) }))).toMatchObject({
      code: 'invalid-model',
      message: 'tensor "w" holds 8 bytes, 4×3×3×3 needs 432',
    });
    expect(await importError(withWeights({ dataType: 1, floatData: [1] }))).toMatchObject({
      message: 'tensor "w" holds 1 elements, 4×3×3×3 needs 108',
    });
  });

  it('refuses strings as weights', async () => {
    expect(await importError(withWeights({ dataType: 8 }))).toMatchObject({
      kind: 'reject',
      code: 'unsupported-tensor-type',
      message: 'tensor "w" holds elements of string',
    });
  });

  const external = (...entries: [string, string][]): Uint8Array =>
    withWeights({
      dataType: 1,
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: entries.map(([key, value]) => ({ key, value })),
    });

  it('reads external data next to the file', async () => {
    const bytes = new Uint8Array(8 + w.data.byteLength);
    bytes.set(new Uint8Array(w.data.buffer), 8);
    await writeFile(join(folder, 'weights.bin'), bytes);
    expect(await read(external(['location', 'weights.bin'], ['offset', '8'], ['length', '432']))).toEqual([...w.data]);
    expect(await read(external(['location', 'weights.bin'], ['offset', '8']))).toEqual([...w.data]);
  });

  it.each([
    ['a missing file', [['location', 'gone.bin']], /gone\.bin, which does not exist$/],
    [
      'a short file',
      [
        ['location', 'short.bin'],
        ['length', '432'],
      ],
      /^the data of tensor "w" is in 432 bytes at offset 0 of .*short\.bin, which is shorter$/,
    ],
    ['a file elsewhere', [['location', '../x.bin']], /in "\.\.\/x\.bin", which is not inside the model's folder$/],
  ] as [string, [string, string][], RegExp][])('rejects %s', async (_name, entries, message) => {
    await writeFile(join(folder, 'short.bin'), new Uint8Array(4));
    const error = await importError(external(...entries), { path: join(folder, 'net.onnx') });
    expect(error).toMatchObject({
      kind: 'reject',
      code: 'missing-external-data',
      hint: 'Put the external data file next to the model, or save the model in one file (onnx.save_model).',
    });
    expect(error.message).toMatch(message);
  });

  it('names nodes that have no name', async () => {
    const model = buildModel(plain);
    const unnamed = { ...model, nodes: model.nodes.map((n): ModelNode => ({ ...n, name: '' })) };
    expect((await decodeModel(encodeModel(unnamed), 'net.onnx')).nodes[0]!.name).toBe('Conv_0');
  });
});
