/**
 * Executed instructions of a bundle, layer by layer, under QEMU with each cross compiler:
 *
 *   npx vite-node bench/count-instructions.ts -- DIR [OPTIMIZATION, -O3 unless told] [--json]
 */
import Table from 'cli-table3';
import { type CountResult, countInstructions } from '../src/bench/count.ts';
import { verifyToolchains } from '../src/build/toolchains.ts';
import { loadBundle } from '../src/verify/load.ts';

const words = process.argv.slice(2).filter((word) => word !== '--');
const json = words.includes('--json');
const optimization = words.find((word) => /^-O/.test(word)) ?? '-O3';
const dir = words.find((word) => !word.startsWith('-'));
if (dir === undefined) throw new Error('usage: count-instructions.ts DIR [-O2|-O3] [--json]');

const program = await loadBundle(dir);
const results: CountResult[] = [];
for (const toolchain of await verifyToolchains(program.target)) {
  if (toolchain.optimization === optimization) results.push(await countInstructions(dir, program, toolchain));
}
if (json) console.log(JSON.stringify(results, null, 2));
else for (const result of results) print(result);

function print({ compiler, opt, cpu, steps, total }: CountResult): void {
  const table = new Table({
    head: ['step', 'layer', 'kernel', 'MACs', 'instructions', 'per MAC', 'multiply', 'flush', 'load', 'store', 'other'],
    colAligns: ['right', 'left', 'left', ...new Array<'right'>(8).fill('right')],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const numbers = (macs: number, count: Pick<CountResult['total'], 'instructions' | 'instructionsPerMac' | 'mix'>) => [
    macs.toLocaleString('en'),
    count.instructions.toLocaleString('en'),
    count.instructionsPerMac?.toFixed(4) ?? '',
    ...['multiply', 'flush', 'load', 'store', 'other'].map((name) => share(count.mix[name] ?? 0, count.instructions)),
  ];
  for (const step of steps) table.push([step.step, step.name, step.kernel, ...numbers(step.macs, step)]);
  table.push(['', 'total', '', ...numbers(total.macs, total)]);
  console.log(`${compiler} ${opt}, ${cpu}\n${table.toString()}\n`);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;
}
