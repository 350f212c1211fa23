import Table from 'cli-table3';
import { type BenchResult, type BenchRun, bestRun, type LayerBench, type Variant } from '../bench/bench.ts';
import { modelledCpus } from '../bench/model-cycles.ts';
import { grouped } from '../core/format.ts';
import { must } from '../core/must.ts';
import { plainTable } from './output.ts';

/** Multiply-accumulates of one `vmlal_s8`: no direct convolution with 16-bit sums takes fewer instructions than 1/8 a MAC. */
const limit = 1 / 8;

type Measured = BenchRun['total'] | LayerBench;

/** One table a compiler: what each layer costs. Lines of at most 110 columns. */
export function benchText(result: BenchResult): string {
  const tables = result.runs.filter(({ variant }) => variant === 'neonarrow').map(runTable);
  const legend = [
    `per MAC: executed instructions for each multiply-accumulate, and over the limit of ${limit} (vmlal_s8)`,
    'mul flush ld st other: what they are, in percent',
    ...(result.notes.length > 0
      ? result.notes
      : ['a53 a55 a72: modelled cycles of the hot loop for 1000 multiply-accumulates (llvm-mca), nothing around it']),
  ];
  return [...tables, legend.join('\n')].join('\n\n');
}

function runTable({ compiler, opt, layers, total }: BenchRun): string {
  const modelled = total.cyclesPerMac !== undefined;
  const cpus = modelled ? modelledCpus.map((cpu) => cpu.replace('cortex-', '')) : [];
  const table = new Table({
    ...plainTable,
    head: ['layer', 'kernel', 'instructions', 'per MAC', '/limit', 'mul', 'flush', 'ld', 'st', 'other', ...cpus],
    colAligns: ['left', 'left', ...new Array<'right'>(11).fill('right')],
  });
  const row = (name: string, kernel: string, m: Measured) => [
    name,
    kernel,
    grouped(m.instructions),
    m.instructionsPerMac?.toFixed(4) ?? '',
    m.instructionsPerMac === undefined ? '' : (m.instructionsPerMac / limit).toFixed(2),
    ...['multiply', 'flush', 'load', 'store', 'other'].map((kind) => share(m.mix[kind] ?? 0, m.instructions)),
    ...(modelled ? modelledCpus.map((cpu) => thousandth(m.cyclesPerMac?.[cpu])) : []),
  ];
  for (const layer of layers) table.push(row(shortened(layer.name), layer.kernel, layer));
  table.push(row('total', '', total));
  return `${compiler} ${opt}\n${table.toString()}`;
}

/** The same network with 32-bit accumulators, layer by layer and compiler by compiler. */
export function baselineText(result: BenchResult): string {
  const compilers = [...new Set(result.runs.map(({ compiler }) => compiler))];
  const tables = compilers.map((compiler) => {
    const runOf = (variant: Variant) =>
      must(
        result.runs.find((run) => run.compiler === compiler && run.variant === variant),
        variant,
      );
    return ratioTable(compiler, runOf('neonarrow'), runOf('widen'), runOf('pairs'));
  });
  const best = (['widen', 'pairs'] as const).map((variant) => {
    const ratio = bestRun(result, variant).total.instructions / bestRun(result).total.instructions;
    return `${variant}: ${ratio.toFixed(2)} times the instructions`;
  });
  const legend = [
    'against 32-bit accumulators: instructions a MAC, and how many times ours',
    'widen: operands widened to 16 bits, smlal into 32; pairs: two products in 16 bits, then sadalp (or widen, where cheaper)',
    `each with its better compiler: ${best.join('; ')}`,
  ];
  return [...tables, legend.join('\n')].join('\n\n');
}

function ratioTable(compiler: string, ours: BenchRun, widen: BenchRun, pairs: BenchRun): string {
  const modelled = [ours, widen, pairs].every(({ total }) => total.cyclesPerMac !== undefined);
  const table = new Table({
    ...plainTable,
    head: ['layer', 'ours', 'widen', '', 'pairs', '', ...(modelled ? ['a72: widen', 'pairs'] : [])],
    colAligns: ['left', ...new Array<'right'>(7).fill('right')],
  });
  const row = (name: string, own: Measured, others: readonly [Measured, Measured]) => [
    name,
    own.instructionsPerMac?.toFixed(4) ?? '',
    ...others.flatMap((other) => [
      other.instructionsPerMac?.toFixed(4) ?? '',
      times(other.instructions, own.instructions),
    ]),
    ...(modelled
      ? others.map((other) => times(other.cyclesPerMac?.['cortex-a72'], own.cyclesPerMac?.['cortex-a72']))
      : []),
  ];
  // The baselines have the same layers; copies around them differ with the borders that kernels need.
  const named = (run: BenchRun, name: string) => run.layers.find((layer) => layer.name === name && layer.macs > 0);
  for (const layer of ours.layers) {
    const others = [named(widen, layer.name), named(pairs, layer.name)] as const;
    if (layer.macs > 0)
      table.push(row(shortened(layer.name), layer, [must(others[0], 'layer'), must(others[1], 'layer')]));
  }
  table.push(row('total', ours.total, [widen.total, pairs.total]));
  return `${compiler} ${ours.opt}\n${table.toString()}`;
}

function times(other: number | undefined, own: number | undefined): string {
  return other === undefined || own === undefined ? '' : `${(other / own).toFixed(2)}×`;
}

function thousandth(cyclesPerMac: number | undefined): string {
  return cyclesPerMac === undefined ? '' : (1000 * cyclesPerMac).toFixed(0);
}

function share(part: number, whole: number): string {
  return whole === 0 ? '' : ((100 * part) / whole).toFixed(0);
}

/** The end of a long name says more than its beginning. */
function shortened(name: string): string {
  return name.length <= 20 ? name : `…${name.slice(-19)}`;
}
