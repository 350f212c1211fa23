import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { requireLabels } from '../../src/data/dataset.ts';
import { loadDataset } from '../../src/data/load.ts';
import { parseDataSpec } from '../../src/data/spec.ts';
import { counting, fileWriter, nchw, nhwc, plain, rejection, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const rejected = (...args: Parameters<typeof loadDataset>) => rejection(() => loadDataset(...args), folder);
const raw = { pixelScale: 1 };

describe('a data spec', () => {
  it.each([
    ['cifar10:a/b.bin', { kind: 'cifar10', path: 'a/b.bin' }],
    ['cifar10:~/b.bin', { kind: 'cifar10', path: `${homedir()}/b.bin` }],
    ['a.npy', { kind: 'npy', path: 'a.npy' }],
    ['A.NPZ', { kind: 'npz', path: 'A.NPZ' }],
    ['a.f32', { kind: 'raw', element: 'f32', path: 'a.f32' }],
    ['a.u8', { kind: 'raw', element: 'u8', path: 'a.u8' }],
    ['C:\\images', { kind: 'folder', path: 'C:\\images' }],
    ['images/v1.2', { kind: 'folder', path: 'images/v1.2' }],
    ['random:64', { kind: 'random', count: 64 }],
  ])('%s', (spec, source) => {
    expect(parseDataSpec(spec)).toEqual(source);
  });

  it.each([
    ['', 'No data is named.'],
    ['imagenet:x', '"imagenet:" is not a kind of data.'],
    ['cifar10:', 'cifar10: names no file.'],
    ['random:', 'random: needs a number of samples from 1 to 1000000, as in random:64, not "".'],
    ['random:0', 'random: needs a number of samples from 1 to 1000000, as in random:64, not "0".'],
    ['random:1e3', 'random: needs a number of samples from 1 to 1000000, as in random:64, not "1e3".'],
  ])('is refused when it is "%s"', async (spec, message) => {
    expect(await rejected(spec, plain(1))).toBe(`\
error[bad-data-spec]: ${message}
  at data "${spec}"
  hint: Data is one of: cifar10:FILE, FILE.npy, FILE.npz, a folder of PNG/JPEG images with one folder a class, FILE.txt (an image and its class a line), FILE.f32, FILE.i8, FILE.u8, random:N.`);
  });

  it.each(['cifar10:none.bin', 'none.npz', 'none.f32', 'none'])('is refused when %s is not there', async (spec) => {
    const path = spec.replace('cifar10:', '');
    expect(await rejected(spec, nchw(3, 32, 32))).toContain(`\
error[data-not-found]: There is no such data file or folder.
  at ${path}
  hint: Check the path. Data is one of: cifar10:FILE, `);
  });

  it('is refused when it is a folder where a file should be', async () => {
    const message = await rejected(`cifar10:${folder}`, nchw(3, 32, 32));
    expect(message).toContain('error[data-unreadable]: The data cannot be read: EISDIR');
  });
});

describe('cifar10:FILE', () => {
  const record = (label: number, first: number) => [label, ...counting(3072).map((v) => v + first)];
  const input = nchw(3, 32, 32);

  it('is labelled planar pixels', async () => {
    const path = write('c.bin', Uint8Array.from([...record(7, 1), ...record(3, 2)]));
    const dataset = await loadDataset(`cifar10:${path}`, input, raw, { classes: 10 });
    expect(dataset.describe).toBe('c.bin: 2 labelled samples of 32×32×3 pixels');
    expect(dataset.labels).toEqual(Int32Array.of(7, 3));
    const second = counting(3072).map((v) => v + 2);
    expect(dataset.batch(1, 2)).toEqual(Float32Array.from(second));
    const pixel = (position: number) => [0, 1024, 2048].map((plane) => second[plane + position]);
    expect(Array.from(dataset.pixels?.(1).slice(30, 36) ?? [])).toEqual([...pixel(10), ...pixel(11)]);
    const interleaved = await loadDataset(`cifar10:${path}`, nhwc(32, 32, 3), raw);
    expect(interleaved.batch(1, 2)).toEqual(Float32Array.from(interleaved.pixels?.(1) ?? []));
  });

  it('is refused when a record is cut off', async () => {
    const path = write('t.bin', Uint8Array.from([...record(7, 1), 3, 1]));
    expect(await rejected(`cifar10:${path}`, input, raw)).toBe(`\
error[truncated-record]: The file's 3075 bytes are 1 CIFAR-10 records of 3073 bytes and 2 bytes more.
  at t.bin
  hint: Download it again: data_batch_1.bin … test_batch.bin of the “binary version” have 30730000 bytes each.`);
  });

  it('is refused with a label above 9, and for another model', async () => {
    const path = write('l.bin', Uint8Array.from(record(10, 0)));
    expect(await rejected(`cifar10:${path}`, input, raw, { classes: 10 })).toContain(
      'error[label-range]: Sample 0 has label 10, but the model has classes 0 to 9.\n  at l.bin',
    );
    expect(await rejected(`cifar10:${path}`, nchw(1, 28, 28), raw)).toBe(`\
error[data-shape]: CIFAR-10 is 32×32 pixels of 3 channels, but the model takes 1×28×28 a sample.
  at l.bin
  hint: Use data of the size that the model takes, e.g. a folder of images, which is resized.`);
  });
});

describe('raw files', () => {
  it('hold real inputs in the order of the model', async () => {
    const f32 = write('a.f32', new Uint8Array(Float32Array.of(0.5, -1, 2, 3, 4, 5).buffer));
    expect((await loadDataset(f32, nchw(3, 1, 1))).batch(1, 2)).toEqual(Float32Array.of(3, 4, 5));
    const i8 = write('a.i8', Uint8Array.of(255, 128, 127));
    expect((await loadDataset(i8, plain(3))).batch(0, 1)).toEqual(Float32Array.of(-1, -128, 127));
  });

  it('hold pixels in HWC order, as the firmware takes them', async () => {
    const path = write('a.u8', Uint8Array.of(1, 2, 3, 4, 5, 6));
    const dataset = await loadDataset(path, nchw(3, 1, 2), raw);
    expect(dataset.batch(0, 1)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(dataset.pixels?.(0)).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6));
    const planar = await loadDataset(path, nchw(3, 1, 2), { ...raw, layout: 'CHW' });
    expect(planar.batch(0, 1)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it('are refused when they are no whole number of samples', async () => {
    expect(await rejected(write('t.f32', new Uint8Array(9)), plain(1, 2))).toBe(`\
error[truncated-record]: The file's 9 bytes are no whole number of samples: 1×2 of f32 is 8 bytes.
  at t.f32
  hint: Write whole samples one after the other, without a header.`);
    expect(await rejected(write('e.i8', ''), plain(1, 2))).toContain('error[data-empty]: The data file is empty.');
  });
});

describe('random:N', () => {
  it('is the same for the same seed, in any batches', async () => {
    const load = (seed?: number) => loadDataset('random:4', plain(5), {}, { seed });
    const all = (await load(1)).batch(0, 4);
    expect((await load()).batch(2, 3)).toEqual(all.slice(10, 15));
    expect((await load(2)).batch(0, 4)).not.toEqual(all);
    expect((await load()).describe).toBe('random:4: 4 samples of 5 values');
  });

  it('is uniform pixels where the recipe knows pixels, else uniform in its range, else normal', async () => {
    const pixels = await loadDataset('random:100', nchw(3, 4, 4), { pixelScale: 1 / 255, mean: [0.5] });
    const bytes = pixels.pixels?.(99) ?? new Uint8Array();
    expect([...pixels.batch(99, 100)].sort()).toEqual([...Float32Array.from(bytes, (v) => v / 255 - 0.5)].sort());
    const ranged = (await loadDataset('random:100', plain(50), { range: [3, 5] })).batch(0, 100);
    expect(Math.min(...ranged)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...ranged)).toBeLessThan(5);
    const normal = (await loadDataset('random:100', plain(50))).batch(0, 100);
    expect(Math.min(...normal)).toBeLessThan(-2.5);
    expect(Math.max(...normal)).toBeGreaterThan(2.5);
  });
});

describe('--samples and --seed', () => {
  const path = write('s.u8', counting(100));

  it('take that many samples at random, in their order', async () => {
    const take = async (samples: number, seed?: number) =>
      Array.from((await loadDataset(path, plain(1), raw, { samples, seed })).batch(0, Math.min(samples, 100)));
    const ten = await take(10);
    expect(new Set(ten).size).toBe(10);
    expect(ten).toEqual([...ten].sort((a, b) => a - b));
    expect(await take(10, 1)).toEqual(ten);
    expect(await take(10, 2)).not.toEqual(ten);
    expect(await take(1000)).toEqual(Array.from(counting(100)));
    const dataset = await loadDataset(path, plain(1), raw, { samples: 10 });
    expect(dataset.describe).toBe('s.u8: 10 of 100 samples of 1 pixels');
  });

  it.each([
    [{ samples: 0 }, '0', '--samples', 1],
    [{ samples: 1.5 }, '1.5', '--samples', 1],
    [{ samples: Number.NaN }, 'NaN', '--samples', 1],
    [{ seed: -1 }, '-1', '--seed', 0],
  ])('are refused when they are %j', async (options, text, flag, least) => {
    expect(await rejected(path, plain(1), raw, options)).toBe(`\
error[bad-flag]: ${text} is not valid.
  at ${flag}
  hint: Give a whole number, at least ${least}.`);
  });
});

describe('a data set', () => {
  it('is refused for accuracy when it has no labels', async () => {
    const dataset = await loadDataset('random:4', plain(1));
    expect(await rejection(() => requireLabels(dataset))).toBe(`\
error[data-without-labels]: Accuracy needs labels, and this data has none.
  at random:4: 4 samples of 1 values
  hint: Use cifar10:FILE, an .npz with x and y, or a folder with one folder of images a class.`);
  });

  it('is refused with a recipe that does not fit the model', async () => {
    expect(await rejected('random:4', nchw(3, 4, 4), { mean: [1, 2] })).toContain(
      'error[recipe-channels]: "mean" has 2',
    );
  });

  it('has no sample beyond its last', async () => {
    const dataset = await loadDataset('random:4', plain(1));
    expect(() => dataset.batch(3, 5)).toThrow('sample 4 of 4');
  });
});
