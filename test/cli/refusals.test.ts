import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { npy } from '../data/helpers.ts';
import { buildModel, random, tensor } from '../onnx/model-helper.ts';
import { leavesUntouched, neonarrow, ownFolder, pathsIn, refusal } from './command-line.ts';
import { type TinyFiles, tinySpec, writeSpec, writeTiny } from './tiny.ts';

/** Bad input ends in one clear message and leaves nothing behind: issue 2's list, as a user meets it. */

const { onnx } = onnxProto;

let folder: string;
let remove: () => Promise<void>;
let tiny: TinyFiles;
/** Where nothing must appear. */
let out: string;
beforeAll(async () => {
  ({ folder, remove } = await ownFolder());
  tiny = await writeTiny(folder);
  await mkdir(join(folder, 'empty'));
  out = join(folder, 'out', 'bundle');
});
afterAll(() => remove());

/** The message of a command that must end with that exit code and change nothing in the folder. */
const refuses = (exitCode: number, ...words: readonly string[]): Promise<string> =>
  leavesUntouched(folder, () => refusal(exitCode, folder, ...words));

const buildOf = (model: string, data = tiny.pixels): Promise<string> =>
  refuses(2, 'build', model, '--calibrate', data, '--out', out);

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

describe('calibration data', () => {
  test('that nobody names', async () => {
    expect(await refuses(2, 'build', tiny.model, '--out', out)).toBe(`\
error[no-data]: no data is named
  at --calibrate
  hint: Name samples like those that the network will see, e.g. --calibrate cifar10:data_batch_1.bin.`);
  });

  test('that is missing', async () => {
    expect(await buildOf(tiny.model, join(folder, 'none.npy'))).toMatch(
      /^error\[data-not-found\]: There is no such data file or folder\.\n {2}at none\.npy\n {2}hint: Check the path\./,
    );
  });

  test('of the wrong shape', async () => {
    const path = join(folder, 'wide.npy');
    await writeFile(path, npy('|u1', [3, 9, 8, 1], new Uint8Array(216)));
    const message = await buildOf(tiny.model, path);
    expect(message).toMatch(/^error\[data-shape\]: .*9×8×1/);
    expect(message).toMatch(/8×8×1.*\n {2}at wide\.npy|\n {2}at wide\.npy\n {2}hint: .*8×8/s);
  });

  test('that is empty', async () => {
    const path = join(folder, 'nothing.npy');
    await writeFile(path, npy('|u1', [0, 8, 8, 1], new Uint8Array()));
    expect(await buildOf(tiny.model, path)).toBe(`\
error[no-samples]: The data holds no samples.
  at nothing.npy
  hint: Give at least one sample; a few hundred make a good calibration.`);
    expect(await buildOf(tiny.model, join(folder, 'empty'))).toMatch(
      /^error\[data-empty\]: .*\n {2}at empty\n {2}hint: /,
    );
  });

  test('without labels, where accuracy is asked for: before any work', async () => {
    const message = await refuses(2, 'build', tiny.model, '--calibrate', tiny.pixels, '--evaluate', tiny.pixels);
    expect(message).toMatch(
      /^error\[data-without-labels\]: Accuracy needs labels, and this data has none\.\n {2}at pixels\.npy: 24 samples/,
    );
  });
});

describe('an output that cannot be written is refused before any work', () => {
  /** Below a regular file: refused even to root. */
  const below = (name: string): string => join(tiny.model, name);

  test('the bundle’s folder', async () => {
    const expected = `\
error[unwritable-output]: the folder cannot be written: ENOTDIR: not a directory, stat '${below('bundle')}'`;
    const words = ['build', tiny.model, '--calibrate', tiny.pixels, '--out', below('bundle')];
    expect(await refuses(2, ...words)).toBe(`${expected.replace(`${folder}/`, '')}
  at tiny.onnx/bundle
  hint: Name a folder that you may write to, on a disk with room, with --out.`);
  });

  test('a folder that holds something else', async () => {
    const message = await refuses(2, 'build', tiny.model, '--calibrate', tiny.pixels, '--out', folder);
    expect(message).toMatch(/^error\[not-a-bundle\]: the folder is not overwritten, because it has no manifest\.json/);
  });

  test('the quantized network', async () => {
    const words = ['quantize', tiny.model, '--calibrate', tiny.pixels, '-o', below('q.onnx')];
    expect(await refuses(2, ...words)).toMatch(
      /^error\[unwritable-output\]: the file cannot be written: .*\n {2}at tiny\.onnx\/q\.onnx\n {2}hint: Name a place/,
    );
    expect(await refuses(2, ...words.slice(0, -1), join(folder, 'empty'))).toContain('it is a folder');
  });

  test('one that is the float network itself', async () => {
    const before = await readFile(tiny.model);
    const message = await refuses(2, 'quantize', tiny.model, '--calibrate', tiny.pixels, '-o', tiny.model);
    expect(message).toMatch(
      /^error\[output-is-input\]: the quantized network would replace the float one\n {2}at tiny/,
    );
    expect(await readFile(tiny.model)).toEqual(before);
  });
});

describe('a missing tool: exit code 3', () => {
  const words = (): string[] => ['build', tiny.model, '--calibrate', tiny.pixels, '--out', out];

  test.each([
    ['NEONARROW_CC', 'cross-gcc', 'gcc-aarch64-linux-gnu'],
    ['NEONARROW_CLANG', 'cross-clang', 'clang'],
    ['NEONARROW_HOST_CC', 'host-cc', 'gcc'],
    ['NEONARROW_QEMU', 'qemu-aarch64', 'qemu-user'],
  ])('%s names none', async (variable, id, debianPackage) => {
    // Present, so that only the one under test is missing on a machine without compilers.
    for (const other of ['NEONARROW_CC', 'NEONARROW_CLANG', 'NEONARROW_HOST_CC', 'NEONARROW_QEMU']) {
      vi.stubEnv(other, other === variable ? '/nowhere/tool' : '/bin/true');
    }
    try {
      const message = await refuses(3, ...words());
      expect(message).toContain(`error[missing-tool]: ${variable} names "/nowhere/tool", which is not a program`);
      expect(message).toContain(`\n  at ${id} (build, verify`);
      expect(message).toMatch(new RegExp(`\\n {2}hint: run "sh .*setup\\.sh" or "apt-get install ${debianPackage}`));
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('an empty PATH', async () => {
    vi.stubEnv('PATH', join(folder, 'empty'));
    try {
      const message = await refuses(3, ...words());
      expect(message).toMatch(/^error\[missing-tool\]: \S+ is not installed \(not found on PATH\)\n {2}at /);
      expect(await neonarrow('doctor', '--json')).toMatchObject({ exitCode: 3 });
    } finally {
      vi.unstubAllEnvs();
    }
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

test('nothing is left behind after all these', async () => {
  expect((await pathsIn(folder)).filter((path) => /^out|\.new-|\.old-/.test(path))).toEqual([]);
});
