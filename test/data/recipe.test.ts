import { describe, expect, it } from 'vitest';
import { pixelTable } from '../../src/data/preprocess.ts';
import { checkRecipe, findRecipe, parseRecipe } from '../../src/data/recipe.ts';
import { applyRecipeFlags } from '../../src/data/recipe-flags.ts';
import { fileWriter, nchw, plain, rejection, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);
const reading = (recipe: unknown) => rejection(() => parseRecipe(JSON.stringify(recipe), 'm.json'));

describe('a recipe', () => {
  it('is found next to the model, or by name, or is empty', async () => {
    const path = write(
      'model.json',
      '{ "pixelScale": 0.5, "mean": [1, 2, 3], "std": [1, 2, 3], "labels": ["a", "b"] }',
    );
    const recipe = { pixelScale: 0.5, mean: [1, 2, 3], std: [1, 2, 3], labels: ['a', 'b'], source: path };
    expect(await findRecipe(`${folder}/model.onnx`)).toEqual(recipe);
    expect(await findRecipe('elsewhere.onnx', path)).toEqual(recipe);
    expect(await findRecipe(`${folder}/other.onnx`)).toEqual({});
  });

  it('takes the paths of its data from its own folder', () => {
    const text = '{ "calibrate": "cifar10:train.bin", "evaluate": "/data/test.npz" }';
    expect(parseRecipe(text, 'models/m.json')).toMatchObject({
      calibrate: 'cifar10:models/train.bin',
      evaluate: '/data/test.npz',
    });
    expect(parseRecipe('{ "calibrate": "random:8" }', 'models/m.json').calibrate).toBe('random:8');
    expect(parseRecipe('{ "labelsFile": "names.txt" }', '/models/m.json').labelsFile).toBe('/models/names.txt');
    expect(parseRecipe('{ "calibrate": "images" }', 'models/m.json').calibrate).toBe('models/images');
  });

  it('is refused when it is named and not there', async () => {
    expect(await rejection(() => findRecipe('m.onnx', `${folder}/none.json`), folder)).toBe(`\
error[recipe-not-found]: There is no such recipe.
  at none.json
  hint: Check --recipe, or leave it out to use the .json file next to the model.`);
    expect(await rejection(() => findRecipe('m.onnx', folder))).toContain(
      'error[recipe-unreadable]: The recipe cannot',
    );
  });

  it('is refused when it is not JSON', async () => {
    const message = await rejection(() => parseRecipe('{ "mean": [0.5 }', 'm.json'));
    expect(message).toContain('error[recipe-not-json]: The recipe is not JSON: ');
    expect(message).toContain('  at m.json\n  hint: A recipe looks like {');
  });

  it('is refused with an unknown key, and says which was meant', async () => {
    expect(await reading({ pixel_scale: 1 })).toBe(`\
error[bad-recipe]: The recipe is not valid: unknown key "pixel_scale".
  at m.json
  hint: Did you mean "pixelScale"? The known keys are pixelScale, mean, std, labels, labelsFile, resize, channels, layout, range, calibrate, evaluate.`);
    expect(await reading({ means: [1] })).toContain('Did you mean "mean"?');
    expect(await reading({ colour: 1 })).toContain('hint: The known keys are');
  });

  it.each([
    [{ std: [1, 0, 1] }, '"std[1]" must be greater than 0'],
    [{ std: [] }, '"std" must not be empty'],
    [{ mean: 0.5 }, '"mean" must be an array of numbers'],
    [{ mean: ['0.5'] }, '"mean[0]" must be a number'],
    [{ pixelScale: 0 }, '"pixelScale" must be greater than 0'],
    [{ layout: 'NCHW' }, '"layout" must be "HWC" or "CHW"'],
    [{ range: [1, -1] }, '"range" must be [least, greatest]'],
    [{ labels: [1] }, '"labels[0]" must be a string'],
    [{ labels: ['a'], labelsFile: 'a.txt' }, 'the whole file must not have both "labels" and "labelsFile"'],
    [{ resize: 25.6 }, '"resize" must be a whole number'],
    [{ channels: 'GRB' }, '"channels" must be "RGB" or "BGR"'],
    [[1], 'the whole file must be an object'],
  ])('is refused when it is %j', async (recipe, problem) => {
    expect(await reading(recipe)).toContain(`error[bad-recipe]: The recipe is not valid: ${problem}.\n  at m.json`);
  });

  it('is refused with every problem listed', async () => {
    expect(await reading({ std: [0], mean: [] })).toContain('\n  "mean" must not be empty\n  "std[0]" must be');
  });
});

describe('checkRecipe', () => {
  it('refuses as many means as the model has no channels', async () => {
    const message = await rejection(() => checkRecipe({ mean: [1, 2, 3], source: 'm.json' }, nchw(1, 8, 8)));
    expect(message).toBe(`\
error[recipe-channels]: "mean" has 3 values, but the model's input 1×1×8×8 has 1 channel.
  at m.json
  hint: Give one value.`);
    expect(await rejection(() => checkRecipe({ std: [1, 2] }, nchw(3, 8, 8)))).toBe(`\
error[recipe-channels]: "std" has 2 values, but the model's input 1×3×8×8 has 3 channels.
  at --std
  hint: Give one value, or one for each of the 3 channels.`);
  });

  it('refuses to resize pictures to less than the model takes', async () => {
    expect(await rejection(() => checkRecipe({ resize: 226 }, nchw(3, 200, 227)))).toBe(`\
error[recipe-resize]: Pictures resized to 226 are smaller than the model's 1×3×200×227.
  at --resize
  hint: Give at least 227, or leave it out.`);
    checkRecipe({ resize: 227 }, nchw(3, 200, 227));
  });

  it('refuses more or fewer labels than classes', async () => {
    expect(await rejection(() => checkRecipe({ labels: ['cat', 'dog'] }, plain(4), 10))).toBe(`\
error[recipe-labels]: "labels" names 2 classes, but the model has 10.
  at --labels
  hint: Give 10 labels, in the order of the model's outputs.`);
    checkRecipe({ labels: ['cat', 'dog'], mean: [1] }, plain(4), 2);
  });
});

describe('recipe flags', () => {
  it('win over the recipe, key by key', () => {
    const recipe = { pixelScale: 1, mean: [0], labels: ['a'], source: 'm.json' };
    const flags = { pixelScale: '1/255', std: '0.25, 0.5,1', labels: 'cat, dog', layout: 'chw', range: '-1,1' };
    expect(applyRecipeFlags(recipe, flags)).toEqual({
      pixelScale: 1 / 255,
      mean: [0],
      std: [0.25, 0.5, 1],
      labels: ['cat', 'dog'],
      layout: 'CHW',
      range: [-1, 1],
      source: 'm.json',
    });
    expect(applyRecipeFlags(recipe, {})).toEqual(recipe);
  });

  it('--labels wins over names and over a file with names, as a list or as a file itself', () => {
    const file = { labelsFile: '/data/names.txt' };
    expect(applyRecipeFlags(file, { labels: 'cat,dog' })).toEqual({ labels: ['cat', 'dog'] });
    expect(applyRecipeFlags({ labels: ['a'] }, { labels: 'names.txt' })).toEqual({ labelsFile: 'names.txt' });
    expect(applyRecipeFlags(file, { resize: '256', channels: 'bgr' })).toEqual({
      ...file,
      resize: 256,
      channels: 'BGR',
    });
  });

  it.each([
    [{ pixelScale: 'abc' }, '"abc" is not valid: it must be a number', '--pixel-scale', '1/255'],
    [{ pixelScale: '1/0' }, '"1/0" is not valid: it must be a number', '--pixel-scale', '1/255'],
    [{ mean: '1,,2' }, '"1,,2" is not valid: it must be a number', '--mean', '0.49,0.48,0.45'],
    [{ std: '0' }, '"0" is not valid: it must be greater than 0', '--std', '0.25,0.24,0.26'],
    [{ resize: '0' }, '"0" is not valid: it must be greater than 0', '--resize', '256'],
    [{ channels: 'grb' }, '"grb" is not valid: it must be "RGB" or "BGR"', '--channels', 'BGR'],
    [{ layout: 'NHWC' }, '"NHWC" is not valid: it must be "HWC" or "CHW"', '--layout', 'HWC'],
  ])('refuse %j', async (flags, message, flag, example) => {
    expect(await rejection(() => applyRecipeFlags({}, flags))).toBe(
      `error[bad-flag]: ${message}.\n  at ${flag}\n  hint: It looks like ${flag} ${example}.`,
    );
  });
});

describe('pixelTable', () => {
  it('is (pixel · pixelScale − mean) / std, rounded once', () => {
    const table = pixelTable({ pixelScale: 1 / 255, mean: [0.5, 0, 0.1], std: [0.25] }, nchw(3, 2, 2), '');
    expect(table.length).toBe(768);
    expect(table[0]).toBe(-2);
    expect(table[256 + 255]).toBe(4);
    expect(table[512 + 100]).toBe(Math.fround((100 / 255 - 0.1) / 0.25));
  });

  it('refuses to guess the scale of pixels', async () => {
    expect(await rejection(() => pixelTable({ mean: [1] }, nchw(3, 2, 2), 'x.npz'))).toBe(`\
error[no-preprocessing]: The data is pixels, and nothing says how they become real inputs.
  at x.npz
  hint: Give --pixel-scale 1/255 (or 1 for raw 0…255), or "pixelScale" in the recipe, with --mean and --std as in training.`);
  });
});
