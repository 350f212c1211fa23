import type { Command } from 'commander';
import { reject } from '../core/diagnostics.ts';
import type { Recipe } from '../data/recipe.ts';
import type { RecipeFlags } from '../data/recipe-flags.ts';
import { inputRangeOf, readRecipe } from '../stages/read-data.ts';
import { importFile, type Model, readModelFile } from '../stages/read-model.ts';
import { collect } from './words.ts';

/** Which model, and how its samples become inputs. */
export interface ModelFlags extends RecipeFlags {
  readonly recipe?: string;
  readonly name?: string;
  readonly inputShape?: readonly string[];
}

export function withModelOptions(command: Command): Command {
  return command
    .optionsGroup('Model and preprocessing:')
    .option('--recipe <file>', 'preprocessing and labels (default: <model>.json next to the model)')
    .option('--pixel-scale <s>', 'real input = (pixel · scale − mean) / std, e.g. 1/255')
    .option('--mean <m>', 'one value, or one a channel, comma-separated')
    .option('--std <s>', 'one value, or one a channel, comma-separated')
    .option('--labels <names>', 'class names, comma-separated, or a .txt file with one on each line')
    .option('--resize <n>', 'short side of pictures before the model’s size is cut from their centre, e.g. 256')
    .option('--channels <order>', 'RGB or BGR: what the model takes of pictures')
    .option('--layout <order>', 'HWC or CHW: pixel order of arrays whose shape leaves it open')
    .option('--range <lo,hi>', 'range of real inputs for random:N, where the inputs are not pixels')
    .option('--input-shape <name=dims>', 'resolve a symbolic input, e.g. image=1x3x224x224 (repeatable)', collect);
}

/** The model and its recipe, as the options name them. */
export async function openModel(path: string, flags: ModelFlags): Promise<{ model: Model; recipe: Recipe }> {
  const file = await readModelFile(path);
  const recipe = await readRecipe(file, flags.recipe, flags);
  const inputShapes = parseInputShapes(flags.inputShape ?? []);
  return { model: await importFile(file, { inputShapes, name: flags.name, inputRange: inputRangeOf(recipe) }), recipe };
}

/** `image=1x3x32x32` → image: [1, 3, 32, 32]. */
export function parseInputShapes(specs: readonly string[]): Record<string, readonly number[]> {
  return Object.fromEntries(
    specs.map((spec) => {
      const [, name, dims] = /^(.+)=(\d+(?:x\d+)*)$/.exec(spec) ?? [];
      if (name !== undefined && dims !== undefined) return [name, dims.split('x').map(Number)];
      throw reject({
        code: 'bad-flag',
        message: `"${spec}" is not NAME=DIMS`,
        place: '--input-shape',
        hint: 'It looks like --input-shape image=1x3x224x224.',
      });
    }),
  );
}
