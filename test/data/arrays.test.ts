import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.ts';
import { parseNpy } from '../../src/data/npy.ts';
import { counting, fileWriter, nchw, nhwc, npy, plain, rejection, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const npz = (name: string, arrays: Record<string, Uint8Array>) =>
  write(name, zipSync(Object.fromEntries(Object.entries(arrays).map(([key, data]) => [`${key}.npy`, data]))));
const raw = { pixelScale: 1 };
const rejected = (spec: string, input = nchw(3, 2, 2), recipe = {}, classes?: number) =>
  rejection(() => loadDataset(spec, input, recipe, { classes }), folder);

/** Two images of 2×2×3: element (y, x, c) of image n is 100n + 10(2y + x) + c. */
const value = (n: number, position: number, c: number) => 100 * n + 10 * position + c;
const hwc = Uint8Array.from({ length: 24 }, (_, i) => value(Math.floor(i / 12), Math.floor((i % 12) / 3), i % 3));
const chw = Uint8Array.from({ length: 24 }, (_, i) => value(Math.floor(i / 12), i % 4, Math.floor((i % 12) / 4)));

describe('an array of pixels', () => {
  it.each([
    ['HWC for an NCHW model', [2, 2, 2, 3], hwc, nchw(3, 2, 2), chw],
    ['CHW for an NCHW model', [2, 3, 2, 2], chw, nchw(3, 2, 2), chw],
    ['HWC for an NHWC model', [2, 2, 2, 3], hwc, nhwc(2, 2, 3), hwc],
    ['CHW for an NHWC model', [2, 3, 2, 2], chw, nhwc(2, 2, 3), hwc],
  ])('may be %s', async (_, shape, data, input, batch) => {
    const dataset = await loadDataset(write('p.npy', npy('|u1', shape, data)), input, raw);
    expect(dataset.describe).toBe('p.npy: 2 samples of 2×2×3 pixels');
    expect(dataset).toMatchObject({ count: 2, sampleSize: 12 });
    expect(dataset.labels).toBeUndefined();
    expect(dataset.batch(0, 2)).toEqual(Float32Array.from(batch));
    expect(dataset.batch(1, 2)).toEqual(Float32Array.from(batch.subarray(12)));
    expect(dataset.pixels?.(1)).toEqual(hwc.slice(12));
  });

  it('is preprocessed by channel', async () => {
    const recipe = { pixelScale: 0.5, mean: [0, 1, 2], std: [1, 2, 4] };
    const dataset = await loadDataset(write('p.npy', npy('|u1', [2, 2, 2, 3], hwc)), nchw(3, 2, 2), recipe);
    expect(Array.from(dataset.batch(0, 1))).toEqual([0, 5, 10, 15, -0.25, 2.25, 4.75, 7.25, -0.25, 1, 2.25, 3.5]);
  });

  it('may leave out dimensions of 1, and be flat', async () => {
    const gray = counting(8);
    for (const shape of [
      [2, 2, 2, 1],
      [2, 1, 2, 2],
      [2, 2, 2],
      [2, 4],
    ]) {
      const dataset = await loadDataset(write('g.npy', npy('|u1', shape, gray)), nchw(1, 2, 2), raw);
      expect(dataset.batch(1, 2)).toEqual(Float32Array.of(4, 5, 6, 7));
    }
    const flat = await loadDataset(write('g.npy', npy('|u1', [2, 2, 2], gray)), plain(4), raw);
    expect(flat.pixels?.(1)).toEqual(Uint8Array.of(4, 5, 6, 7));
  });

  it('needs a layout where its shape fits both orders', async () => {
    const path = write('f.npy', npy('|u1', [2, 12], chw));
    expect(await rejected(path)).toBe(`\
error[ambiguous-layout]: Samples of 12 can be HWC as well as CHW.
  at f.npy
  hint: Say which with --layout HWC, or "layout": "HWC" in the recipe.`);
    const dataset = await loadDataset(path, nhwc(2, 2, 3), { ...raw, layout: 'CHW' });
    expect(dataset.batch(0, 2)).toEqual(Float32Array.from(hwc));
  });

  it('is refused without preprocessing', async () => {
    const message = await rejected(write('p.npy', npy('|u1', [2, 2, 2, 3], hwc)));
    expect(message).toContain('error[no-preprocessing]: The data is pixels, and nothing says how they become real');
  });

  it('is refused when it has another shape', async () => {
    expect(await rejected(write('s.npy', npy('|u1', [2, 4, 3], hwc)))).toBe(`\
error[data-shape]: The data is N×4×3, but the model takes 3×2×2 a sample.
  at s.npy
  hint: Give an array of N×2×2×3 or N×3×2×2 (12 elements a sample; the first dimension counts the samples).`);
    expect(await rejected(write('s.npy', npy('|u1', [24], hwc)))).toBe(`\
error[data-shape]: The data is 24, but the model takes 3×2×2 a sample.
  at s.npy
  hint: The first dimension counts the samples: x[None] makes an array of one.`);
    // Never as many elements in another order.
    expect(await rejected(write('s.npy', npy('|u1', [2, 3, 4], hwc)), plain(4, 3))).toContain('error[data-shape]: ');
  });

  it('is refused when it is empty', async () => {
    expect(await rejected(write('e.npy', npy('|u1', [0, 2, 2, 3], new Uint8Array())), nchw(3, 2, 2), raw)).toBe(`\
error[no-samples]: The data holds no samples.
  at e.npy
  hint: Give at least one sample; a few hundred make a good calibration.`);
    expect(await rejected(write('0.npy', ''))).toBe(`\
error[data-empty]: The data file is empty.
  at 0.npy
  hint: Check that it was written or downloaded completely.`);
  });
});

describe('an array of real inputs', () => {
  it.each([
    ['<f4', Float32Array.of(0.5, -1, 2, 3)],
    ['<f8', Float64Array.of(0.5, -1, 2, 3)],
    ['|i1', Int8Array.of(5, -1, 2, 3)],
  ])('of type %s is taken as it is, without a recipe', async (descr, data) => {
    const dataset = await loadDataset(write('r.npy', npy(descr, [2, 1, 2], data)), plain(1, 2));
    expect(dataset.describe).toBe('r.npy: 2 samples of 1×2 values');
    expect(dataset.batch(0, 2)).toEqual(Float32Array.from(data));
    expect(dataset.pixels).toBeUndefined();
  });

  it('is brought into the order of the model', async () => {
    const dataset = await loadDataset(write('r.npy', npy('<f4', [2, 2, 2, 3], Float32Array.from(hwc))), nchw(3, 2, 2));
    expect(dataset.batch(0, 2)).toEqual(Float32Array.from(chw));
  });

  it('is refused with NaN, and with numbers too large for float32', async () => {
    const data = Float64Array.of(0, 1, Number.NaN, 1e300);
    expect(await rejected(write('n.npy', npy('<f8', [2, 2], data)), plain(2))).toBe(`\
error[data-not-finite]: Sample 1 holds NaN, infinity or a value beyond float32.
  at n.npy
  hint: Look for a division by zero in the preprocessing that wrote it.`);
    const large = Float64Array.of(1e300);
    expect(await rejected(write('n.npy', npy('<f8', [1, 1], large)), plain(1))).toContain('Sample 0 holds');
  });

  it('is refused as integers that may be either', async () => {
    const data = BigInt64Array.of(0n, 1n);
    expect(await rejected(write('i.npy', npy('<i8', [1, 2], data)), plain(2))).toBe(`\
error[data-type]: Samples are uint8 (pixels), or float32, float64 or int8 (real inputs), not int64.
  at i.npy
  hint: Use x.astype('uint8') for pixels or x.astype('float32') for real inputs.`);
  });
});

describe('a corrupt .npy file', () => {
  const good = npy('<f4', [2, 2], Float32Array.of(1, 2, 3, 4));
  const HINT = 'hint: Write it again with numpy.save or numpy.savez_compressed.';
  const edited = (from: string, to: string) =>
    Buffer.from(Buffer.from(good).toString('latin1').replace(from, to), 'latin1');

  it('is read when nothing is wrong', () => {
    expect(parseNpy(good, '')).toEqual({ shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) });
    // Version 2 has a header length of 4 bytes.
    const header = good.subarray(10, 128);
    const v2 = Buffer.concat([Buffer.from('\x93NUMPY\x02\x00\x76\x00\x00\x00', 'latin1'), header, good.subarray(128)]);
    expect(parseNpy(v2, '')).toEqual(parseNpy(good, ''));
  });

  it.each([
    [Buffer.from('no array'), 'it does not begin as an .npy array does'],
    [good.subarray(0, 60), 'it ends within its header'],
    [good.subarray(0, -1), 'its header says 2×2 <f4, 16 bytes, but 15 bytes follow'],
    [Buffer.concat([good, good]), 'its header says 2×2 <f4, 16 bytes, but 160 bytes follow'],
    [edited("'shape'", "'shame'"), 'its header is corrupt'],
    [edited('(2, 2)', '(-1, )'), 'its header is corrupt'],
    [edited('NUMPY\x01', 'NUMPY\x09'), 'it has format version 9, which is unknown'],
  ])('is refused (%#)', async (bytes, what) => {
    expect(await rejected(write('c.npy', bytes), plain(2))).toBe(
      `error[bad-npy]: This is not a whole NumPy array: ${what}.\n  at c.npy\n  ${HINT}`,
    );
  });

  it.each([
    [edited('<f4', '>f4'), 'big-endian (>f4)'],
    [edited('<f4', '<c8'), '<c8'],
    [edited('<f4', '|b1'), '|b1'],
    [edited('False', 'True '), 'in Fortran order'],
    [edited("'<f4'", "[('a', '<f4')]"), 'a structure'],
  ])('is refused for its type (%#)', async (bytes, what) => {
    expect(await rejected(write('t.npy', bytes), plain(2))).toBe(`\
error[npy-type]: The array is ${what}, which is not read.
  at t.npy
  hint: Save it as numpy.ascontiguousarray(x, dtype='uint8') for pixels or dtype='float32' for real inputs.`);
  });
});

describe('an .npz file', () => {
  const x = npy('<f4', [3, 1], Float32Array.of(1, 2, 3));
  const y = npy('<i8', [3], BigInt64Array.of(2n, 0n, 1n));

  it.each([
    ['x', 'y'],
    ['images', 'labels'],
    ['data', 'labels'],
  ])('has samples %s and labels %s', async (samples, labels) => {
    const dataset = await loadDataset(npz('a.npz', { other: y, [samples]: x, [labels]: y }), plain(1));
    expect(dataset.describe).toBe('a.npz: 3 labelled samples of 1 values');
    expect(dataset.labels).toEqual(Int32Array.of(2, 0, 1));
    expect(dataset.batch(0, 3)).toEqual(Float32Array.of(1, 2, 3));
  });

  it('may hold the samples only, under any name', async () => {
    const dataset = await loadDataset(npz('a.npz', { arr_0: x }), plain(1));
    expect(dataset.count).toBe(3);
    expect(dataset.labels).toBeUndefined();
  });

  it('is refused without samples', async () => {
    expect(await rejected(npz('b.npz', { a: x, y }), plain(1))).toBe(`\
error[npz-arrays]: No array is named x, images or data; there is a, y.
  at b.npz
  hint: Write it with numpy.savez_compressed(file, x=…, y=…).`);
    expect(await rejected(npz('b.npz', {}), plain(1))).toContain('there is none.');
  });

  it('is refused when it is no zip file, or a part of one', async () => {
    expect(await rejected(write('c.npz', 'no zip'), plain(1))).toBe(`\
error[bad-npz]: This is not a whole .npz file: invalid zip data.
  at c.npz
  hint: Write it again with numpy.savez_compressed(file, x=…, y=…).`);
    const whole = zipSync({ 'x.npy': x });
    expect(await rejected(write('c.npz', whole.subarray(0, -30)), plain(1))).toContain('error[bad-npz]: ');
    expect(await rejected(npz('c.npz', { x: x.subarray(0, -2) }), plain(1))).toContain(`\
its header says 3×1 <f4, 12 bytes, but 10 bytes follow.
  at c.npz: array "x"`);
  });

  it('is refused with labels that do not belong to it', async () => {
    const two = npy('<i4', [2], Int32Array.of(0, 1));
    expect(await rejected(npz('l.npz', { x, y: two }), plain(1))).toBe(`\
error[label-count]: There are 3 samples but 2 labels.
  at l.npz
  hint: Give one label a sample.`);
    const oneHot = npy('|u1', [3, 2], new Uint8Array(6));
    expect(await rejected(npz('l.npz', { x, y: oneHot }), plain(1))).toBe(`\
error[label-type]: Labels are a vector of integers, not 3×2 uint8.
  at l.npz
  hint: Use y.argmax(1) for one-hot labels, y.astype('int32') for floats.`);
    expect(await rejected(npz('l.npz', { x, y: x }), plain(1))).toContain('not 3×1 float32.');
  });

  it('is refused with a label that is no class', async () => {
    expect(await rejected(npz('l.npz', { x, y }), plain(1), {}, 2)).toBe(`\
error[label-range]: Sample 0 has label 2, but the model has classes 0 to 1.
  at l.npz
  hint: Check that the data belongs to this model, and that its labels start at 0.`);
    const negative = npy('<i4', [3, 1], Int32Array.of(0, -1, 0));
    expect(await rejected(npz('l.npz', { x, y: negative }), plain(1))).toContain(
      'but the model counts classes from 0.',
    );
    const huge = npy('<i8', [3], BigInt64Array.of(0n, 2n ** 32n, 0n));
    expect(await rejected(npz('l.npz', { x, y: huge }), plain(1), {}, 10)).toContain('Sample 1 has label 2147483647,');
  });
});
