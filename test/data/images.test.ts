import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.ts';
import { fileWriter, nchw, nhwc, plain, rejection, temporaryFolder } from './helpers.ts';
import { BLUE, GREEN, pictureWriter, RED } from './picture-writer.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const raw = { pixelScale: 1 };
const rejected = (...[spec, ...rest]: Parameters<typeof loadDataset>) =>
  rejection(() => loadDataset(join(folder, spec), ...rest), folder);

const picture = pictureWriter(folder);
const text = (name: string, content = 'text') => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  return write(name, content);
};

describe('a folder of images', () => {
  it('with one folder a class is labelled, in the order of the names', async () => {
    await picture('pets/dog/b.png', [GREEN]);
    await picture('pets/dog/a.PNG', [RED]);
    await picture('pets/cat/z.jpg', [BLUE], 'jpeg');
    text('pets/.hidden/notes.txt');
    const dataset = await loadDataset(join(folder, 'pets'), nchw(3, 4, 4), raw);
    expect(dataset.describe).toBe('pets: 3 labelled samples of 4×4×3 pixels');
    expect(dataset.labels).toEqual(Int32Array.of(0, 1, 1));
    expect(Array.from(dataset.pixels?.(1).slice(0, 3) ?? [])).toEqual(RED);
    expect(Array.from(dataset.pixels?.(2).slice(45) ?? [])).toEqual(GREEN);
    const planes = dataset.batch(2, 3);
    expect([planes[0], planes[16], planes[32]]).toEqual(GREEN);
    expect(Math.abs((dataset.batch(0, 1)[40] ?? 0) - 100)).toBeLessThan(3);
  });

  it('takes the class of each folder from the labels', async () => {
    const dataset = await loadDataset(join(folder, 'pets'), nhwc(4, 4, 3), { ...raw, labels: ['dog', 'eel', 'cat'] });
    expect(dataset.labels).toEqual(Int32Array.of(2, 0, 0));
    const words = { ...raw, labels: ['cat, Felis', 'dog Canis', 'cat Felis'] };
    expect((await loadDataset(join(folder, 'pets'), nhwc(4, 4, 3), words)).labels).toEqual(Int32Array.of(2, 1, 1));
    await picture('numbers/10/a.png', [RED]);
    await picture('numbers/9/a.png', [RED]);
    const numbers = await loadDataset(join(folder, 'numbers'), nchw(3, 4, 4), raw, { classes: 11 });
    expect(numbers.labels).toEqual(Int32Array.of(10, 9));
  });

  it('without folders has no labels', async () => {
    await picture('flat/b.png', [GREEN]);
    await picture('flat/a.png', [RED]);
    const dataset = await loadDataset(join(folder, 'flat'), nchw(3, 4, 4), raw);
    expect(dataset.labels).toBeUndefined();
    expect(dataset.batch(0, 1)[0]).toBe(200);
  });

  it('is resized by the short side and cut around the centre', async () => {
    await picture('wide/a.png', [RED, GREEN, BLUE]);
    const same = await loadDataset(join(folder, 'wide'), nchw(3, 4, 4), raw);
    expect(new Set(same.batch(0, 1).subarray(16, 32))).toEqual(new Set([150]));
    const half = await loadDataset(join(folder, 'wide'), nchw(3, 2, 2), raw);
    expect(Math.abs((half.batch(0, 1)[4] ?? 0) - 150)).toBeLessThan(12);
  });

  it('is resized to the recipe’s short side and cut around the centre', async () => {
    await picture('large/a.png', [RED, RED, GREEN, GREEN, BLUE, BLUE], 'png', 16);
    const load = async (resize: number) =>
      (await loadDataset(join(folder, 'large'), nchw(3, 4, 4), { ...raw, resize })).batch(0, 1);
    // Of 24 × 16 pixels the middle 4 × 4 are green; of 6 × 4 the middle four columns have red and blue at their sides.
    expect(new Set((await load(16)).subarray(16, 32))).toEqual(new Set([150]));
    const [left, middle] = [(await load(4)).subarray(0, 4), (await load(4)).subarray(16, 20)];
    expect(left[0]).toBeGreaterThan(150);
    expect(left[3]).toBeLessThan(50);
    expect(middle[1]).toBeGreaterThan(120);
  });

  it('gives its colours in the order that the model takes', async () => {
    await picture('blue/a.png', [RED, GREEN, BLUE]);
    const dataset = await loadDataset(join(folder, 'blue'), nchw(3, 4, 12), { ...raw, channels: 'BGR' });
    expect(Array.from(dataset.pixels?.(0).slice(0, 3) ?? [])).toEqual([0, 0, 200]);
    expect(Array.from(dataset.pixels?.(0).slice(15, 18) ?? [])).toEqual([0, 150, 0]);
  });

  it('becomes gray for a model of one channel', async () => {
    const dataset = await loadDataset(join(folder, 'wide'), nchw(1, 4, 4), raw);
    const gray = dataset.batch(0, 1)[5] ?? 0;
    expect(gray).toBeGreaterThan(80);
    expect(gray).toBeLessThan(130);
  });

  it('decodes the chosen samples only', async () => {
    await picture('many/0/a.png', [RED]);
    await picture('many/0/b.png', [RED]);
    await picture('many/1/a.png', [RED]);
    const dataset = await loadDataset(join(folder, 'many'), nchw(3, 4, 4), raw, { samples: 2 });
    expect(dataset.count).toBe(2);
    expect(dataset.labels?.length).toBe(2);
  });

  it('follows links', async () => {
    mkdirSync(join(folder, 'linked'), { recursive: true });
    symlinkSync(join(folder, 'flat'), join(folder, 'linked', 'a'));
    expect((await loadDataset(join(folder, 'linked'), nchw(3, 4, 4), raw)).labels).toEqual(Int32Array.of(0, 0));
  });
});

describe('a folder of images is refused', () => {
  const input = nchw(3, 4, 4);

  it('when it is empty', async () => {
    mkdirSync(join(folder, 'empty'));
    mkdirSync(join(folder, 'hollow/cat'), { recursive: true });
    const message = (place: string) => `\
error[data-empty]: The folder holds no images.
  at ${place}
  hint: Put PNG or JPEG files in it, or one folder of them a class.`;
    expect(await rejected('empty', input, raw)).toBe(message('empty'));
    expect(await rejected('hollow', input, raw)).toBe(message('hollow/cat'));
  });

  it('when it is a file of unknown kind', async () => {
    text('data.bin');
    expect(await rejected('data.bin', input, raw)).toContain(`\
error[unknown-data-file]: Its name does not say what kind of data this file is.
  at data.bin
  hint: Data is one of: cifar10:FILE, `);
  });

  it('when a file is no image, by its name or its content', async () => {
    text('texts/readme.txt');
    expect(await rejected('texts', input, raw)).toBe(`\
error[not-an-image]: It is no .png, .jpg or .jpeg file.
  at texts/readme.txt
  hint: Move it out of the folder, or convert it to PNG.`);
    text('lies/a.png');
    expect(await rejected('lies', input, raw)).toBe(`\
error[not-an-image]: It cannot be decoded: Input file contains unsupported image format.
  at lies/a.png
  hint: Replace it, or move it out of the folder.`);
  });

  it('when an image is cut off', async () => {
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31) % 251);
    const bytes = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    mkdirSync(join(folder, 'cut'));
    write('cut/a.jpg', bytes.subarray(0, bytes.length / 2));
    expect(await rejected('cut', input, raw)).toContain('error[not-an-image]: It cannot be decoded: ');
  });

  it('when it holds both folders and files', async () => {
    await picture('mixed/cat/a.png', [RED]);
    text('mixed/labels.csv');
    expect(await rejected('mixed', input, raw)).toBe(`\
error[mixed-image-folder]: The folder holds folders (cat, …) as well as files (labels.csv, …).
  at mixed
  hint: Give a folder of one folder a class, or a flat folder of images, which has no labels.`);
  });

  it('when a folder is no class of the model', async () => {
    expect(await rejected('pets', input, { ...raw, labels: ['dog', 'kat', 'eel'] })).toBe(`\
error[unknown-class-folder]: The folder "cat" is none of the model's classes, and there are 2 folders for 3 classes.
  at pets
  hint: Name the folders as the labels: dog, kat, eel.`);
    expect(await rejected('pets', input, raw, { classes: 10 })).toContain('hint: Name the folders 0 to 9, or give');
    expect(await rejected('numbers', input, raw, { classes: 10 })).toContain('The folder "10" is none');
  });

  it('when the model takes no images, or too many are asked for', async () => {
    expect(await rejected('flat', plain(490), raw)).toBe(`\
error[data-shape]: Images have 1 or 3 channels, but the model takes 490 a sample.
  at flat
  hint: Give this model arrays: FILE.npy or FILE.npz.`);
    expect(await rejected('flat', nchw(3, 20_000, 20_000), raw)).toBe(`\
error[data-too-large]: 2 images of 1200000000 bytes are more than is held at once (2 GiB).
  at flat
  hint: Take at most 1 with --samples, or --images of "sweep".`);
  });
});
