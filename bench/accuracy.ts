/**
 * Measures what quantizing under narrow accumulators costs in accuracy and writes the tables of `docs/quantization.md`, between
 * its markers:
 *
 *   npm run bench:accuracy -- --calibrate cifar10:FILE --evaluate cifar10:FILE [--resnet8 FILE.onnx] [--only targets|ablation|formats]
 *     [--finished]
 *
 * CIFAR-10 and ResNet-8 are not part of the repository. Finished rows are kept in `.neonarrow/accuracy`: an interrupted run goes on
 * where it was. Without --resnet8 its rows are left out; --finished writes what is known
 * by now.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { measureAll } from './accuracy/measure.ts';
import { openNetworks } from './accuracy/networks.ts';
import { ablation, formats, targets } from './accuracy/rows.ts';
import { ablationTable, formatsTable, targetsTable } from './accuracy/tables.ts';
import { replaceSection } from './section.ts';

const { values } = parseArgs({
  options: {
    calibrate: { type: 'string' },
    evaluate: { type: 'string' },
    resnet8: { type: 'string' },
    only: { type: 'string', multiple: true },
    finished: { type: 'boolean', default: false },
  },
});
const { calibrate, evaluate, resnet8, finished, only = ['targets', 'ablation', 'formats'] } = values;
if (calibrate === undefined || evaluate === undefined) {
  throw new Error('Give --calibrate and --evaluate, e.g. cifar10:/data/calibration.bin');
}

const page = new URL('../docs/quantization.md', import.meta.url);
const networks = await openNetworks({ calibrate, evaluate, resnet8 });
const tables = {
  targets: [targets, targetsTable],
  ablation: [ablation, ablationTable],
  formats: [formats, formatsTable],
} as const;
for (const [name, [rows, table]] of Object.entries(tables)) {
  if (!only.includes(name)) continue;
  const results = await measureAll(networks, rows, finished);
  await writeFile(
    page,
    replaceSection(await readFile(page, 'utf8'), { name, script: 'bench/accuracy.ts' }, table(results)),
  );
}
