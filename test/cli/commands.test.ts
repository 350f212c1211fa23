import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { version } from '../../src/core/version.ts';
import { targets } from '../../src/targets/index.ts';
import { neonarrow, objectOf, ownFolder, pathsIn, refusal } from './command-line.ts';
import { ownTiny, writeTiny } from './tiny.ts';

/** Commands that need no toolchain. */

const folder = ownFolder();
const tiny = ownTiny(folder);

describe('help', () => {
  const commands = createProgram().commands.map((command) => command.name());

  test('lists the commands and the exit codes', async () => {
    const { stdout, exitCode } = await neonarrow('--help');
    expect(exitCode).toBe(0);
    expect(commands).toEqual(
      expect.arrayContaining(['build', 'quantize', 'compile', 'verify', 'evaluate', 'inspect', 'doctor']),
    );
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 good, 1 the check failed, 2 the input is wrong, 3 a tool is missing.');
  });

  test.each(commands)('of %s fits a terminal of 110 columns and shows --json', async (command) => {
    const { stdout, exitCode } = await neonarrow(command, '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--json');
    expect(stdout).not.toContain('default: []');
    expect(stdout.split('\n').filter((line) => line.length > 110)).toEqual([]);
  });

  test('is an error where nobody asked for it', async () => {
    expect(await neonarrow()).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('Usage:') });
  });

  test('the version is that of the package', async () => {
    expect(await neonarrow('--version')).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('every option has a description', () => {
    const options = createProgram().commands.flatMap((command) => command.options);
    expect(options.filter((option) => option.description === '').map((option) => option.flags)).toEqual([]);
  });
});

describe('wrong words on the command line', () => {
  test.each([
    [['buidl'], `unknown command 'buidl'`, 'Did you mean build? "neonarrow --help" lists what there is.'],
    [['build'], `missing required argument 'model'`, '"neonarrow build --help" lists what there is.'],
    [['verify', 'x', '--sed', '1'], `unknown option '--sed'`, 'Did you mean --seed? "neonarrow verify --help" lists'],
    [['build', 'x', '--mode', 'fast'], `option '--mode <mode>' argument 'fast' is invalid.`, 'build --help'],
  ])('%j', async (words, message, hint) => {
    const said = await refusal(2, folder, ...words);
    expect(said).toContain(`error[bad-usage]: ${message}`);
    expect(said).toContain('\n  at the command line\n');
    expect(said).toContain(hint);
  });

  test.each([
    [['--seed', 'x'], '--seed', '"x" is not a whole number of at least 0'],
    [['--samples', '0'], '--samples', '"0" is not a whole number of at least 1'],
    [['--acc-bits', '40'], '--acc-bits', '"40" is not a whole number from 8 to 32'],
    [['--weight-bits', '9'], '--weight-bits', '"9" is not a whole number from 2 to 8'],
    [['--bits', '1'], '--bits', '"1" is not a whole number from 2 to 8'],
    [['--input-shape', 'image'], '--input-shape', '"image" is not NAME=DIMS'],
  ])('%j', async (words, place, message) => {
    const said = await refusal(2, folder, 'quantize', tiny.model, '--calibrate', 'random:2', ...words);
    expect(said).toContain(`error[bad-flag]: ${message}\n  at ${place}\n  hint: `);
  });

  test('a layer that the network does not have: those that it has are listed', async () => {
    const words = ['quantize', tiny.model, '--calibrate', 'random:2', '--layer', 'conv9=bits:6'];
    expect(await refusal(2, folder, ...words)).toBe(`\
error[unknown-layer]: The network has no layer "conv9" with weights.
  at --layer conv9
  conv1
  conv2
  scores
  hint: Use one of the names below.`);
  });

  test('an unknown target', async () => {
    expect(await refusal(2, folder, 'build', tiny.model, '--target', 'pdp-11')).toMatch(
      /^error\[unknown-target\]: .*pdp-11/,
    );
  });

  test('--target help lists the targets, whatever else is missing', async () => {
    const { exitCode, stdout, stderr } = await neonarrow('compile', '--target', 'help');
    expect([exitCode, stderr]).toEqual([0, '']);
    const names = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(names).toEqual(['target', ...targets.keys()]);
  });
});

describe('--json puts exactly one object on stdout, with the documented keys', () => {
  test('inspect', async () => {
    const seen = await neonarrow('inspect', tiny.model, '--json');
    expect(seen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(objectOf(seen)).toMatchObject({
      quantized: false,
      inputs: [{ name: 'image', shape: [1, 1, 8, 8] }],
      outputs: [{ name: 'y', shape: [1, 4] }],
      // 8·8·8·9, 4·4·16·72 and 4·16 products.
      macs: 4608 + 18432 + 64,
    });
  });

  test('doctor', async () => {
    const seen = await neonarrow('doctor', '--json');
    const { healthy, tools } = objectOf(seen) as { healthy: boolean; tools: Record<string, unknown>[] };
    expect(seen.exitCode).toBe(healthy ? 0 : 3);
    expect(tools.map((tool) => tool['tool'])).toContain('node');
    for (const tool of tools) {
      expect(tool).toMatchObject({ neededFor: expect.any(String), howToGet: expect.any(String) });
    }
  });

  test('evaluate, of a float network', async () => {
    const seen = await neonarrow('evaluate', tiny.model, '--evaluate', tiny.labelled, '--json');
    const json = objectOf(seen);
    expect(json).toMatchObject({ samples: 24, floatTop1: expect.any(Number), imagesPerSecond: expect.any(Number) });
    expect(json['top1']).toBe(json['floatTop1']);
    expect(seen).toMatchObject({ exitCode: 0, stderr: 'evaluate float …\n' });
  });

  test('quantize, then inspect, evaluate and compile what it wrote', async () => {
    const output = join(folder, 'q', 'tiny.q.onnx');
    const data = ['--calibrate', tiny.pixels, '--evaluate', tiny.labelled];
    const quantized = objectOf(await neonarrow('quantize', tiny.model, ...data, '-o', output, '--json'));
    expect(quantized).toMatchObject({ output, floatTop1: expect.any(Number), top1: expect.any(Number) });
    const layers = quantized['layers'] as Record<string, unknown>[];
    expect(layers.map((layer) => layer['name'])).toEqual(['conv1', 'conv2', 'scores']);
    for (const layer of layers) {
      expect(layer).toMatchObject({
        dataBits: expect.any(Number),
        weightBits: expect.any(Number),
        lanes: expect.any(Number),
        segments: expect.any(Number),
        utilization: expect.any(Number),
        proven: true,
      });
    }

    const inspected = objectOf(await neonarrow('inspect', output, '--json'));
    expect(inspected).toMatchObject({ quantized: true, layers: layers.map(({ name }) => ({ name, proven: true })) });

    const seen = await neonarrow('evaluate', output, '--evaluate', tiny.labelled, '--json');
    expect(seen.stderr).toBe('evaluate in ONNX Runtime …\nevaluate quantized …\n');
    const evaluated = objectOf(seen);
    expect(evaluated).toMatchObject({ samples: 24, top1: quantized['top1'], imagesPerSecond: expect.any(Number) });

    const out = join(folder, 'compiled');
    const compiled = objectOf(await neonarrow('compile', output, '--out', out, '--target', 'armv8-a', '--json'));
    expect(compiled).toMatchObject({ arenaBytes: expect.any(Number), weightBytes: expect.any(Number) });
    expect(compiled['layers']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'conv2', kernel: expect.stringMatching(/^conv-k-lanes/), proven: true }),
      ]),
    );
    const { agreement } = compiled as { agreement: { values: number; maxSteps: number } };
    expect(agreement.values).toBe(4 * 4);
    expect(agreement.maxSteps).toBeLessThanOrEqual(1);
    const written = await pathsIn(out);
    expect(written).toEqual(expect.arrayContaining(compiled['files'] as string[]));
    expect(written).toContain('manifest.json');
  });
});

describe('for people', () => {
  test('the result is on stdout, progress on stderr, none with --quiet', async () => {
    const words = ['quantize', tiny.model, '--calibrate', tiny.pixels, '-o', join(folder, 'people.q.onnx')];
    const seen = await neonarrow(...words);
    expect(seen.stderr).toBe('calibrate …\nchoose data bits …\ncorrect biases …\n');
    expect(seen.stdout).toMatch(/^layer +data +weights +sums +segments +full +scalar +SQNR\n/);
    expect(seen.stdout).toMatch(/^conv1 .*proven$/m);
    expect(seen.stdout).not.toMatch(/[ \t]$/m);
    expect(await neonarrow(...words, '--quiet')).toEqual({ ...seen, stderr: '' });
  });

  test('inspect prints the graph', async () => {
    const { stdout } = await neonarrow('inspect', tiny.model);
    // conv2 has got a bias of zeros.
    expect(stdout).toContain('1,316 parameters, 23,104 multiply-accumulates');
  });
});

describe('agreement with ONNX Runtime', () => {
  test('is stated in steps of the output', async () => {
    const output = join(folder, 'agreement.q.onnx');
    await neonarrow('quantize', tiny.model, '--calibrate', tiny.pixels, '-o', output);
    const seen = await neonarrow('evaluate', output, '--agreement', tiny.pixels, '--json');
    const { agreement } = objectOf(seen) as { agreement: { differing: number; maxSteps: number } };
    expect(agreement).toMatchObject({ samples: 24, values: 96 });
    expect(agreement.maxSteps).toBe(agreement.differing === 0 ? 0 : 1);
    const { stdout } = await neonarrow('evaluate', output, '--agreement', 'random:5', '--quiet');
    expect(stdout).toMatch(
      /^agreement with ONNX Runtime: (0 steps, all|at most 1 step, \d+ of) 20 output values of 5 samples /,
    );
  });

  test('says where ONNX Runtime can not know of diffused errors', async () => {
    const output = join(folder, 'diffused.q.onnx');
    await neonarrow('quantize', tiny.model, '--calibrate', tiny.pixels, '--acc-bits', '12', '-o', output);
    const { stdout } = await neonarrow('evaluate', output, '--agreement', 'random:2', '--quiet');
    expect(stdout).toContain('The program diffuses the rounding errors of its data');
  });

  test('needs a quantized network', async () => {
    const said = await refusal(2, folder, 'evaluate', tiny.model, '--agreement', tiny.pixels);
    expect(said).toMatch(/^error\[not-quantized\]: the model is in float\n/);
  });
});

describe('names', () => {
  test('a path with spaces and a name that begins with a digit', async () => {
    const spaced = await writeTiny(folder, '7 seg digits.onnx');
    const output = join(folder, '7 seg.q.onnx');
    const words = ['quantize', spaced.model, '--calibrate', 'random:4', '--quiet'];
    expect(await neonarrow(...words, '-o', output)).toMatchObject({ exitCode: 0 });
    const out = join(folder, 'seven');
    expect(await neonarrow('compile', output, '--name', '7 seg', '--out', out)).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(out, 'include', 'm7_seg.h'), 'utf8')).toContain('int m7_seg_run(');
  });

  test('one that no C name can be made of is refused', async () => {
    const output = join(folder, 'unnamed.q.onnx');
    await neonarrow('quantize', tiny.model, '--calibrate', 'random:2', '-o', output);
    expect(await refusal(2, folder, 'compile', output, '--name', '…', '--out', join(folder, 'unnamed'))).toBe(`\
error[bad-model-name]: no C name can be made from "…"
  at --name
  hint: Give a name with a letter in it, as --name digits.`);
  });
});
