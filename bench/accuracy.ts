/**
 * Measures what quantizing under narrow accumulators costs in accuracy and writes the tables of `docs/quantization.md`, between
 * its markers:
 *
 *   npm run bench:accuracy -- --calibrate cifar10:FILE --evaluate cifar10:FILE [--resnet8 FILE.onnx]
 *     [--only targets|ablation|formats|trained] [--finished]
 *
 * CIFAR-10 and ResNet-8 are not part of the repository; `--only trained` needs neither. Finished rows are kept in
 * `.neonarrow/accuracy`: an interrupted run goes on where it was. Without --resnet8 its rows are left out; --finished writes
 * what is known by now.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { must } from '../src/core/must.ts';
import { measureAll } from './accuracy/measure.ts';
import { openNetworks } from './accuracy/networks.ts';
import { ablation, formats, type Row, targets } from './accuracy/rows.ts';
import { ablationTable, formatsTable, targetsTable, trainedTable } from './accuracy/tables.ts';
import { trainedAndNot } from './accuracy/trained.ts';
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
const { calibrate, evaluate, resnet8, finished } = values;

const tables: Readonly<Record<string, () => Promise<string>>> = {
  targets: async () => targetsTable(await onCifar10(targets)),
  ablation: async () => ablationTable(await onCifar10(ablation)),
  formats: async () => formatsTable(await onCifar10(formats)),
  trained: async () => trainedTable(await trainedAndNot()),
};

async function onCifar10(rows: readonly Row[]) {
  if (calibrate === undefined || evaluate === undefined) {
    throw new Error('Give --calibrate and --evaluate, e.g. cifar10:/data/calibration.bin');
  }
  return measureAll(await openNetworks({ calibrate, evaluate, resnet8 }), rows, finished);
}

const names = values.only ?? Object.keys(tables);
const unknown = names.find((name) => tables[name] === undefined);
if (unknown !== undefined) throw new Error(`--only takes ${Object.keys(tables).join(', ')}, not "${unknown}".`);
const page = new URL('../docs/quantization.md', import.meta.url);
for (const name of names) {
  const text = await must(tables[name], name)();
  await writeFile(page, replaceSection(await readFile(page, 'utf8'), { name, script: 'bench/accuracy.ts' }, text));
}
