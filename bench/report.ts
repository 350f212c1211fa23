import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Variant } from '../src/bench/bench.ts';
import { modelledCpus } from '../src/bench/model-cycles.ts';
import { caseName } from './graphs.ts';
import {
  byInstructions,
  type MeasuredLayer,
  type MeasuredProgram,
  type Measurements,
  type Results,
} from './results.ts';
import type { LayerSpec, Specification } from './specification.ts';
import { schemes } from './weights.ts';

const peersSchema = z.looseObject({
  instructionsPerMac: z.record(z.string(), z.record(z.string(), z.number())),
});

type Peers = z.infer<typeof peersSchema>;

/** Measurements of existing kernels on the same layers. */
export function readPeers(): Peers {
  return peersSchema.parse(JSON.parse(readFileSync(new URL('peers.json', import.meta.url), 'utf8')));
}

/** The text of `bench/results.md`. */
export function resultsText(results: Results, specification: Specification, peers: Peers): string {
  const { programs } = results;
  const single = programs.filter(isOfLayers);
  const layers = single[0] && { ...single[0], layers: single.flatMap((program) => program.layers) };
  const networks = programs.filter((program) => !isOfLayers(program));
  const parts = [
    '# Measurements',
    'Written by `npm run bench`; do not edit. Executed AArch64 instructions under QEMU, `-cpu cortex-a53`, -O2, the difference ' +
      'between runs of N and N + 1, and cycles that llvm-mca 19 *models* for the hot loop alone. What is measured, and against ' +
      'which baselines: `docs/performance.md`. Everything here was verified bit for bit first.',
    ...(layers === undefined
      ? []
      : [
          '## Layers',
          'Instructions a multiply-accumulate. The limit of `vmlal_s8` is 0.125, of `vmlaq_s8` (8 bits) and `vdotq_s32` 0.0625, of `vmmlaq_s32` 0.031. Existing: the ' +
            'fewest of direct 8-bit kernels without dot product in `bench/peers.json`.',
          layerTable(layers, specification, peers),
          '## Layers against 32-bit accumulators',
          baselineTable(layers.layers.filter(hasBaselines).map((layer) => [layer.name, layer.runs, layer.macs])),
          '## Modelled cycles of the layers’ hot loops',
          cycleTable(layers),
        ]),
    ...networks.flatMap((network) => networkParts(network, specification)),
    '## Prediction',
    'What the cost model of a kernel says before compiling, over what was counted with gcc.',
    predictionTable(programs),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Of single layers, for one target. */
function isOfLayers({ name }: MeasuredProgram): boolean {
  return name.startsWith('layers');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function compilersOf(program: MeasuredProgram): string[] {
  return Object.keys(program.total.neonarrow);
}

function layerTable(program: MeasuredProgram, specification: Specification, peers: Peers): string {
  const compilers = compilersOf(program);
  const rows = specification.layers.flatMap((spec) =>
    schemes.flatMap((scheme) => {
      const target = spec.targets[scheme.name];
      const layer = program.layers.find(({ name }) => name === caseName(spec.name, scheme));
      if (target === undefined || layer === undefined) return [];
      const perMac = compilers.map((compiler) => layer.runs.neonarrow[compiler]!.instructions / layer.macs);
      const met = target !== null && Math.min(...perMac) <= target && Math.max(...perMac) <= 1.15 * target;
      const existing = bestPeer(peers, spec.name);
      return [
        [
          `${spec.name}: ${describe(spec)}`,
          scheme.name,
          layer.kernel,
          ...perMac.map((value) => value.toFixed(4)),
          target?.toFixed(3) ?? '',
          target === null ? '' : met ? 'yes' : 'no',
          existing === undefined ? '' : existing.toFixed(3),
        ],
      ];
    }),
  );
  return table(['layer', 'sums', 'kernel', ...compilers, 'target', 'met', 'existing'], rows);
}

function describe({ input, op }: LayerSpec): string {
  const [height, width, channels] = input;
  if (op.kind !== 'conv') return `${channels}→${'outputs' in op ? op.outputs : channels}`;
  const stride = op.stride === 1 ? '' : ` stride ${op.stride}`;
  const form = op.groups === 'depthwise' ? ' depthwise' : '';
  return `${op.kernel}×${op.kernel}${stride}${form}, ${channels}→${op.outputs} at ${height}×${width}`;
}

/** Direct kernels without newer instructions; Winograd's transforms and plain C are other things. */
function bestPeer({ instructionsPerMac }: Peers, layer: string): number | undefined {
  const direct = Object.entries(instructionsPerMac).filter(([name]) => !/winograd|dot product|i8mm|plain C/.test(name));
  const values = direct.flatMap(([, byLayer]) => byLayer[layer] ?? []);
  return values.length === 0 ? undefined : Math.min(...values);
}

/** Layers for targets with 32-bit accumulation in hardware have none. */
function hasBaselines({ runs }: MeasuredLayer): boolean {
  return Object.keys(runs.widen).length > 0;
}

function baselineTable(rows: readonly (readonly [string, Measurements, number])[]): string {
  const compilers = Object.keys(rows[0]?.[1].neonarrow ?? {});
  if (Object.keys(rows[0]?.[1].widen ?? {}).length === 0) return 'Not measured.';
  const head = [
    '',
    ...compilers.flatMap((compiler) => [`ours, ${compiler}`, 'widen', 'pairs']),
    'widen/ours',
    'pairs/ours',
  ];
  const cells = rows
    .filter(([, , macs]) => macs > 0)
    .map(([name, runs, macs]) => {
      const best = (variant: Variant) => byInstructions(runs[variant])[0]![1].instructions;
      return [
        name,
        ...compilers.flatMap((compiler) =>
          (['neonarrow', 'widen', 'pairs'] as const).map((v) => (runs[v][compiler]!.instructions / macs).toFixed(4)),
        ),
        ...(['widen', 'pairs'] as const).map((variant) => `${(best(variant) / best('neonarrow')).toFixed(2)}×`),
      ];
    });
  return table(head, cells);
}

function cycleTable(program: MeasuredProgram): string {
  const { layers, total } = program;
  const all = [
    ...layers.map((layer) => [layer.name, layer.runs] as const),
    ...(isOfLayers(program) ? [] : [['total', total] as const]),
  ];
  const rows = all.flatMap(([layer, runs]) =>
    Object.keys(runs.neonarrow).map((compiler) => [
      layer,
      compiler,
      ...modelledCpus.map((cpu) =>
        (['neonarrow', 'widen', 'pairs'] as const)
          .map((variant) => runs[variant][compiler]?.cyclesPerMac?.[cpu]?.toFixed(3) ?? '–')
          .join(' / '),
      ),
    ]),
  );
  const head = ['cycles a MAC: ours / widen / pairs', '', ...modelledCpus];
  return table(
    head,
    rows.filter((row) => !row.slice(2).every((cell) => cell === '– / – / –')),
  );
}

function networkParts(network: MeasuredProgram, specification: Specification): string[] {
  const spec = specification.networks.find(({ name }) => name === network.name);
  const best = byInstructions(network.total.neonarrow)[0]!;
  const perMac = best[1].instructions / network.macs;
  const target = spec?.target === undefined ? '' : ` Target: ${spec.target}.`;
  return [
    `## ${network.name}`,
    spec?.about ?? 'The bundle of `npm run demo`, `generated/digits`.',
    `${network.macs.toLocaleString('en')} multiply-accumulates, ${best[1].instructions.toLocaleString('en')} instructions (${best[0]}), ` +
      `${perMac.toFixed(4)} a multiply-accumulate.${target}`,
    kernelTable(network),
    'Against 32-bit accumulators:',
    baselineTable([
      ...network.layers.map((layer) => [layer.name, layer.runs, layer.macs] as const),
      ['total', network.total, network.macs] as const,
    ]),
    'Modelled cycles of the hot loops:',
    cycleTable(network),
  ];
}

/** No layer without weights may dominate: all of them, as shares of the whole. */
function kernelTable({ layers, total }: MeasuredProgram): string {
  const compilers = Object.keys(total.neonarrow);
  const rows = layers.map((layer) => [
    layer.name,
    layer.kernel,
    ...compilers.flatMap((compiler) => {
      const { instructions } = layer.runs.neonarrow[compiler]!;
      const whole = total.neonarrow[compiler]!.instructions;
      return [instructions.toLocaleString('en'), `${((100 * instructions) / whole).toFixed(1)} %`];
    }),
  ]);
  return table(['layer', 'kernel', ...compilers.flatMap((compiler) => [compiler, ''])], rows);
}

/** Predicted over counted, with gcc: the models are made for its code. */
export function predictionRatio({ predicted, runs }: MeasuredLayer): number | undefined {
  return predicted === undefined ? undefined : predicted / countedByGcc(runs);
}

function countedByGcc({ neonarrow }: Measurements): number {
  const [, measured] = Object.entries(neonarrow).find(([compiler]) => compiler.startsWith('gcc'))!;
  return measured.instructions;
}

function predictionTable(programs: readonly MeasuredProgram[]): string {
  const rows = programs.flatMap(({ name, layers }) =>
    layers
      .filter(({ macs }) => macs > 0)
      .map((layer) => [
        `${name}: ${layer.name}`,
        layer.kernel,
        (layer.predicted ?? 0).toLocaleString('en'),
        countedByGcc(layer.runs).toLocaleString('en'),
        predictionRatio(layer)?.toFixed(3) ?? '',
      ]),
  );
  return table(['layer', 'kernel', 'predicted', 'counted', 'ratio'], rows);
}
