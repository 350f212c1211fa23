import { Command } from 'commander';
import { expect, test } from 'vitest';
import { type DataFlags, withDataOptions } from '../../src/cli/data-options.ts';
import { manifestOptions, type QuantizerFlags, withQuantizerOptions } from '../../src/cli/quantizer-options.ts';
import { type SearchFlags, searchEntries, withSearchOptions } from '../../src/cli/search-options.ts';

/** The manifest of a bundle that `build` made with these options. */
function optionsOf(...words: readonly string[]): object {
  const command = withSearchOptions(
    withQuantizerOptions(withDataOptions(new Command(), { calibrate: true, evaluate: true })),
  );
  const flags = command.parse(words, { from: 'user' }).opts<QuantizerFlags & DataFlags & SearchFlags>();
  return { ...manifestOptions(flags), ...searchEntries(flags) };
}

test('what shaped the bundle is in the manifest, and nothing else', () => {
  const plain = optionsOf();
  expect(Object.keys(plain)).toEqual(['accBits', 'lanes', 'mode', 'requant', 'bits', 'weightBits', 'segments', 'seed']);
  const words = ['--winograd', 'f4', '--samples', '200', '--max-drop', '0.5', '--layer', 'a=bits:6', '--cache', 'here'];
  expect(optionsOf(...words)).toEqual({ ...plain, winograd: 'f4', samples: 200, maxDrop: 0.5, layer: 'a=bits:6' });
});
