import type { Command } from 'commander';
import { wholeNumber } from './words.ts';

/** Where samples come from. */
export interface DataFlags {
  readonly calibrate?: string;
  readonly evaluate?: string;
  readonly samples?: number;
  readonly seed: number;
}

const dataForms = 'cifar10:FILE, FILE.npy, FILE.npz, a folder of images, FILE.txt, FILE.f32|.i8|.u8, random:N';

export function withDataOptions(command: Command, uses: { calibrate: boolean; evaluate: boolean }): Command {
  command.optionsGroup('Data:');
  if (uses.calibrate) command.option('--calibrate <data>', `calibration samples: ${dataForms}`);
  if (uses.evaluate) command.option('--evaluate <data>', `labelled samples to measure accuracy on: ${dataForms}`);
  return command
    .option('--samples <n>', 'use at most this many samples', wholeNumber('--samples', 1))
    .option('--seed <n>', 'seed of everything random', wholeNumber('--seed', 0), 1);
}
