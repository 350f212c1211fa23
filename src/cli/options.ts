import { type Command, Option } from 'commander';
import { reject } from '../core/diagnostics.ts';

/** Options that several commands share, with their checks; DESIGN §10. */

/** Where samples come from and how they are preprocessed. */
export interface DataOptions {
  readonly calibrate?: string;
  readonly evaluate?: string;
  readonly recipe?: string;
  readonly pixelScale?: string;
  readonly mean?: string;
  readonly std?: string;
  readonly labels?: string;
  readonly layout?: string;
  readonly range?: string;
  readonly samples?: number;
  readonly seed: number;
  readonly inputShape: readonly string[];
}

export interface QuantizerFlags {
  readonly accBits: number;
  readonly lanes: string;
  readonly mode: 'proven' | 'calibrated';
  readonly requant: 'fixed' | 'shift' | 'float32';
  readonly dataBits: number;
  readonly layer: readonly string[];
}

const dataForms = 'cifar10:FILE, FILE.npy, FILE.npz, a folder of images, FILE.f32|.i8|.u8, random:N';

export function withDataOptions(command: Command, uses: { calibrate: boolean; evaluate: boolean }): Command {
  if (uses.calibrate) command.option('--calibrate <data>', `calibration samples: ${dataForms}`);
  if (uses.evaluate) command.option('--evaluate <data>', 'labelled samples on which accuracy is measured');
  return command
    .option('--recipe <file>', 'preprocessing and labels (default: <model>.json next to the model)')
    .option('--pixel-scale <s>', 'real input = (pixel · scale − mean) / std; e.g. 1/255')
    .option('--mean <m>', 'one value, or one a channel, comma-separated')
    .option('--std <s>', 'one value, or one a channel, comma-separated')
    .option('--labels <names>', 'class names, comma-separated')
    .option('--layout <order>', 'HWC or CHW: pixel order of arrays whose shape leaves it open')
    .option('--range <lo,hi>', 'range of real inputs for random:N, where the inputs are not pixels')
    .option('--samples <n>', 'use at most this many samples', wholeNumber('--samples', 1))
    .option('--seed <n>', 'seed of everything random', wholeNumber('--seed', 0), 1)
    .option('--input-shape <name=dims>', 'resolve a symbolic input, e.g. image=1x3x224x224 (repeatable)', collect, []);
}

export function withQuantizerOptions(command: Command): Command {
  return command
    .option('--acc-bits <n>', 'accumulator width, 8 to 32', wholeNumber('--acc-bits', 8, 32), 16)
    .addOption(
      new Option('--lanes <n>', 'products of one output are summed in this many accumulators')
        .choices(['auto', '1', '8'])
        .default('auto'),
    )
    .addOption(new Option('--mode <mode>', 'proven: no input can overflow').choices(['proven']).default('proven'))
    .addOption(
      new Option('--requant <form>', 'from sums to outputs').choices(['fixed', 'shift', 'float32']).default('fixed'),
    )
    .option('--data-bits <n>', 'width of activations, 4 to 8', wholeNumber('--data-bits', 4, 8), 8)
    .option(
      '--layer <name=options>',
      'overrides for one layer, e.g. conv1=bits:6,segments:2 (repeatable)',
      collect,
      [],
    );
}

/** A parser for whole numbers in a range. */
export function wholeNumber(flag: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw reject({
      code: 'bad-flag',
      message: `"${text}" is not a whole number ${range}.`,
      place: flag,
      hint: `Give a whole number ${range}.`,
    });
  };
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** `image=1x3x32x32` → image, [1, 3, 32, 32]. */
export function parseInputShapes(specs: readonly string[]): ReadonlyMap<string, readonly number[]> {
  return new Map(
    specs.map((spec) => {
      const [, name, dims] = /^(.+)=(\d+(?:x\d+)*)$/.exec(spec) ?? [];
      if (name === undefined || dims === undefined) {
        throw reject({
          code: 'bad-flag',
          message: `"${spec}" is not NAME=DIMS.`,
          place: '--input-shape',
          hint: 'It looks like --input-shape image=1x3x224x224.',
        });
      }
      return [name, dims.split('x').map(Number)];
    }),
  );
}
