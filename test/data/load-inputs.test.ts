import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { batches } from '../../src/data/dataset.ts';
import { loadInputs } from '../../src/data/load-inputs.ts';
import { fileWriter, nchw, npy, plain, rejection, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const inputs = [
  { ...nchw(3, 2, 2), name: 'image' },
  { ...plain(4), name: 'sensors:0' },
];
const pixels = npy(
  '|u1',
  [2, 2, 2, 3],
  Uint8Array.from({ length: 24 }, (_, i) => i),
);
const sensors = (count: number) =>
  npy(
    '<f4',
    [count, 4],
    Float32Array.from({ length: 4 * count }, (_, i) => i / 2),
  );
const recipe = { pixelScale: 0.5, mean: [1, 2, 3] };
const load = (spec: string) => loadInputs(spec, inputs, recipe, { seed: 3 });

describe('loadInputs', () => {
  it('takes each input from the array of its name; preprocessing is for images', async () => {
    const path = write(
      'both.npz',
      zipSync({ 'image.npy': pixels, 'sensors:0.npy': sensors(2), 'y.npy': npy('|u1', [2], Uint8Array.of(1, 0)) }),
    );
    const data = await load(path);
    expect(data.count).toBe(2);
    expect([...data.labels!]).toEqual([1, 0]);
    const [image, sensed] = batches(data, 1, 2);
    expect([...image!.subarray(0, 4)]).toEqual([5, 6.5, 8, 9.5]);
    expect([...sensed!]).toEqual([2, 2.5, 3, 3.5]);
  });

  it('takes the one input of a network from the array of its name too', async () => {
    const path = write('one.npz', zipSync({ 'other.npy': sensors(3), 'sensors:0.npy': sensors(2) }));
    expect((await loadInputs(path, [inputs[1]!], {}, {})).count).toBe(2);
  });

  it('gives every input random values of its own', async () => {
    const same = [
      { ...plain(50), name: 'a' },
      { ...plain(50), name: 'b' },
    ];
    const data = await loadInputs('random:3', same, { range: [-1, 1] }, { seed: 5 });
    const [a, b] = batches(data, 0, 3);
    expect(a).toHaveLength(150);
    expect(b).not.toEqual(a);
    const alone = await loadInputs('random:3', [same[0]!], { range: [-1, 1] }, { seed: 5 });
    expect(alone.batch(0, 3)).toEqual(a);
  });

  it('refuses arrays that are missing or of other counts, and data for one input', async () => {
    const missing = write('missing.npz', zipSync({ 'image.npy': pixels, 'x.npy': sensors(2) }));
    expect(await rejection(() => load(missing), folder)).toMatch(
      /^error\[npz-arrays\]: No array is named "sensors:0", as the input is; there is image, x\./,
    );
    const uneven = write('uneven.npz', zipSync({ 'image.npy': pixels, 'sensors:0.npy': sensors(3) }));
    expect(await rejection(() => load(uneven), folder)).toMatch(
      /^error\[input-counts\]: There are 2 samples of the first input, but 3 of "sensors:0"\./,
    );
    expect(await rejection(() => load(write('x.npy', pixels)), folder)).toMatch(
      /^error\[several-inputs\]: The network has 2 inputs \("image", "sensors:0"\), and this data has values for one\./,
    );
  });
});
