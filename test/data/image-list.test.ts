import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../src/data/load.ts';
import { fileWriter, nchw, rejection, temporaryFolder } from './helpers.ts';
import { GREEN, pictureWriter, RED } from './picture-writer.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const picture = pictureWriter(folder);
const input = nchw(3, 4, 4);
const raw = { pixelScale: 1 };

async function labelsOf(text: string, labels?: readonly string[]): Promise<number[] | undefined> {
  await picture('val/b.png', [GREEN]);
  await picture('val/a picture.JPEG', [RED], 'jpeg');
  const list = write('val/val.txt', text);
  const dataset = await loadDataset(
    list,
    input,
    { ...raw, ...(labels && { labels }) },
    { classes: labels?.length ?? 100 },
  );
  expect(Array.from(dataset.pixels?.(0).slice(0, 3) ?? [])).toEqual(GREEN);
  return dataset.labels && Array.from(dataset.labels);
}

describe('a list of images', () => {
  it('has a path from its folder and a class on each line', async () => {
    expect(await labelsOf('b.png 65\na picture.JPEG\t7\n')).toEqual([65, 7]);
    expect(await labelsOf(`\uFEFFb.png 1\r\n${join(folder, 'val/a picture.JPEG')} 0\r\n\n`)).toEqual([1, 0]);
  });

  it('may name classes by their label, or its first word', async () => {
    const names = ['n01 tench, Tinca tinca', 'n02 goldfish'];
    expect(await labelsOf('b.png n02\na picture.JPEG n01 tench, Tinca tinca\n', names)).toEqual([1, 0]);
  });

  it('without classes has no labels', async () => {
    expect(await labelsOf('b.png\na picture.JPEG\n')).toBeUndefined();
  });

  it.each([
    ['b.png 1\na picture.JPEG\n', 'bad-image-list', '"a picture.JPEG" names no class, as other lines do.', ', line 2'],
    ['b.png 1\n\nb.png 1\n', 'bad-image-list', 'The line is empty.', ', line 2'],
    ['b.png tench\n', 'bad-image-list', '"tench" is none of the model\'s classes.', ', line 1'],
    ['b.png -1\n', 'bad-image-list', '"-1" is none of the model\'s classes.', ', line 1'],
    ['b.png 100\n', 'label-range', 'Sample 0 has label 100, but the model has classes 0 to 99.', ''],
  ])('%j is refused', async (text, code, message, line) => {
    const said = await rejection(() => labelsOf(text), folder);
    expect(said).toContain(`error[${code}]: ${message}\n  at val/val.txt${line}\n  hint: `);
  });

  it('is refused where it is missing, empty, or names what is no image', async () => {
    const none = () => loadDataset(join(folder, 'none.txt'), input, raw);
    expect(await rejection(none, folder)).toContain('error[data-not-found]');
    const empty = () => loadDataset(write('empty.txt', ''), input, raw);
    expect(await rejection(empty, folder)).toContain('error[data-empty]');
    const blank = () => loadDataset(write('blank.txt', '\n\n'), input, raw);
    expect(await rejection(blank, folder)).toContain('error[no-samples]');
    expect(await rejection(() => labelsOf('b.bmp 1\n'), folder)).toContain('error[not-an-image]: It is no .png');
    expect(await rejection(() => labelsOf('b.png 0\ngone.png 1\n'), folder)).toContain(
      'error[bad-image-list]: There is no image "gone.png".\n  at val/val.txt, line 2\n',
    );
  });
});
