import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { buildModel, random, tensor } from '../onnx/model-helper.ts';
import { neonarrow } from './command-line.ts';
import { ownRefusals } from './refusals.ts';
import { tinySpec, writeSpec } from './tiny.ts';

const { onnx } = onnxProto;

const { folder, tiny, out, refuses, buildOf, nothingIsLeft } = ownRefusals();

describe('a model', () => {
  const hint = 'Export or download the model again; neonarrow reads ONNX files (.onnx).';

  test('that is not there', async () => {
    expect(await buildOf(join(folder, 'none.onnx'))).toBe(`\
error[model-not-found]: the model cannot be read
  at none.onnx
  hint: Name an ONNX file.`);
  });

  test('that is truncated', async () => {
    const bytes = await readFile(tiny.model);
    const path = await writeSpec(folder, 'truncated.onnx', bytes.subarray(0, bytes.length - 300));
    expect(await buildOf(path)).toBe(`\
error[not-an-onnx-file]: this is no ONNX model: it is truncated or in another format
  at truncated.onnx
  hint: ${hint}`);
  });

  test('that is no ONNX file', async () => {
    const path = await writeSpec(folder, 'page.onnx', new TextEncoder().encode('<!DOCTYPE html><title>404</title>'));
    expect(await buildOf(path)).toBe(`\
error[not-an-onnx-file]: this is no ONNX model: it is truncated or in another format
  at page.onnx
  hint: ${hint}`);
  });

  test('with unsupported operators: all of them are listed, before any work', async () => {
    const path = await writeSpec(folder, 'recurrent.onnx', {
      ...tinySpec,
      nodes: [
        { op: 'LSTM', name: 'rnn', inputs: ['image', 'w1', 'w1'], outputs: ['h'] },
        { op: 'Det', name: 'wave', inputs: ['h'], outputs: ['s'] },
        { op: 'Relu', name: 'fine', inputs: ['s'], outputs: ['r'] },
        { op: 'Gelu', name: 'act', inputs: ['r'], outputs: ['y'], domain: 'com.example' },
      ],
    });
    // The data is not even looked for.
    expect(await buildOf(path, 'none.npy')).toBe(`\
error[unsupported-operator]: 3 nodes of the model cannot be compiled yet
  "rnn" LSTM: recurrent layers are not supported; use convolutions over time
  "wave" Det: replace it by supported operators, or end the model before it
  "act" Gelu (com.example): operators of domain com.example are not read; export standard ONNX operators
  hint: Replace these nodes, or cut the model before them (onnx.utils.extract_model).`);
  });

  test('with a shape that cannot be resolved, until the user says what it is', async () => {
    const path = await writeSpec(folder, 'dynamic.onnx', { ...tinySpec, inputs: { image: ['N', 1, 'H', 'W'] } });
    const message = await buildOf(path);
    expect(message).toMatch(/^error\[dynamic-shape\]: .*\n {2}at input "image"\n {2}hint: .*--input-shape image=/);
    const seen = await neonarrow('inspect', path, '--input-shape', 'image=1x1x8x8', '--json');
    expect(seen).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('whose external data is missing', async () => {
    const proto = onnx.ModelProto.decode(encodeModel(buildModel(tinySpec)));
    const w1 = proto.graph!.initializer!.find((t) => t.name === 'w1')!;
    w1.rawData = new Uint8Array();
    w1.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
    w1.externalData = [{ key: 'location', value: 'weights.bin' }];
    const path = await writeSpec(folder, 'external.onnx', onnx.ModelProto.encode(proto).finish());
    const message = await buildOf(path);
    expect(message).toMatch(/^error\[missing-external-data\]: the data of tensor "w1" is in .*weights\.bin/);
    expect(message).toMatch(/\n {2}at external\.onnx\n/);
    expect(message).toMatch(/\n {2}hint: ./);
  });

  test.each([
    ['NaN', Number.NaN],
    ['infinity', Infinity],
  ])('with a weight that is %s', async (_name, value) => {
    const w2 = random([16, 8, 3, 3], 3, 0.2);
    const data = Float32Array.from(w2.data);
    data[100] = value;
    const constants = { ...tinySpec.constants, w2: tensor(w2.shape, data) };
    const path = await writeSpec(folder, 'not-finite.onnx', { ...tinySpec, constants });
    const message = await buildOf(path);
    expect(message).toMatch(/^error\[non-finite-weights\]: .*"w2"/);
    expect(message).toMatch(/\n {2}at /);
    expect(message).toMatch(/\n {2}hint: ./);
  });

  test('that is quantized already, or not yet', async () => {
    const output = join(folder, 'already.q.onnx');
    await neonarrow('quantize', tiny.model, '--calibrate', tiny.pixels, '-o', output);
    expect(await buildOf(output)).toBe(`\
error[already-quantized]: the model is quantized already
  at already.q.onnx
  hint: Use neonarrow compile, or give the float model.`);
    expect(await refuses(2, 'compile', tiny.model, '--out', out)).toBe(`\
error[not-quantized]: the model is in float
  at tiny.onnx
  hint: Quantize it first: neonarrow quantize MODEL --calibrate DATA -o Q.onnx, or build it in one go.`);
  });
});

describe('verify', () => {
  test('of what is no bundle', async () => {
    expect(await refuses(2, 'verify', join(folder, 'empty'))).toBe(`\
error[not-a-bundle]: this is no folder that neonarrow made: it has no manifest.json
  at empty
  hint: Name the folder that "neonarrow build" or "neonarrow compile" wrote.`);
  });
});

test('nothing is left behind after all these', nothingIsLeft);
