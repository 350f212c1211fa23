import type { Command } from 'commander';
import { type GlobalOptions, withGlobalOptions } from './command.ts';
import { type DataFlags, withDataOptions } from './data-options.ts';
import { type ModelFlags, withModelOptions } from './model-options.ts';
import { type QuantizerFlags, withQuantizerOptions } from './quantizer-options.ts';
import { type SearchFlags, withSearchOptions } from './search-options.ts';

/** The flags of `build` and `quantize`: a float model, data, how to quantize, what to search for. */
export type QuantizingFlags = GlobalOptions & ModelFlags & DataFlags & QuantizerFlags & SearchFlags;

export function withQuantizingOptions(command: Command): void {
  withDataOptions(command, { calibrate: true, evaluate: true });
  withSearchOptions(command);
  withGlobalOptions(withQuantizerOptions(withModelOptions(command)));
}
