/**
 * Accuracy against instructions, from direct convolutions to all in the Winograd domain: writes the table of `docs/winograd.md`.
 *
 *   npx vite-node bench/winograd-front.ts -- MODEL --calibrate DATA --evaluate DATA [--images N]
 *
 * Layers are taken into F(4×4) one after the other, those first that save most; all in F(2×2) stand next to them. Instructions are
 * counted under QEMU with the first cross compiler at -O2, whole network; every layer is proven. MODEL's recipe lies next to it.
 * Evaluations are kept in `.neonarrow`, by what a network computes: an interrupted run goes on where it was. With --images the table is
 * printed only: the page holds what was measured on all of them.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeCounted } from '../src/bench/baseline-bundle.ts';
import { countInstructions } from '../src/bench/count.ts';
import { benchToolchains } from '../src/bench/toolchains.ts';
import { withTempDir } from '../src/build/temp.ts';
import type { Graph } from '../src/graph/types.ts';
import { floatAccuracy } from '../src/interpret/accuracy.ts';
import { selectKernels } from '../src/kernels/select.ts';
import { planMemory } from '../src/plan/plan.ts';
import { completeOptions, type LayerOverride } from '../src/quantize/options.ts';
import { type QuantizedModel, quantizeCalibrated } from '../src/quantize/quantize.ts';
import { calibrateNetwork } from '../src/quantize/statistics.ts';
import { bitsOfForm, type WinogradName, winogradMisfit } from '../src/quantize/winograd/plan.ts';
import { createEvaluationCache, defaultCacheFolder } from '../src/stages/evaluation-cache.ts';
import { readData, readRecipe } from '../src/stages/read-data.ts';
import { importFile, readModelFile } from '../src/stages/read-model.ts';
import { armv8a } from '../src/targets/armv8-a.ts';
import { predictLayers } from './predict.ts';
import { replaceSection } from './section.ts';

interface Point {
  readonly what: string;
  readonly proven: boolean;
  readonly instructions: number;
  readonly top1: number;
}

const { values, positionals } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  allowPositionals: true,
  options: { calibrate: { type: 'string' }, evaluate: { type: 'string' }, images: { type: 'string' } },
});
const [path] = positionals;
if (path === undefined) throw new Error('usage: winograd-front.ts MODEL --calibrate DATA --evaluate DATA [--images N]');

const file = await readModelFile(path);
const { graph } = await importFile(file);
const recipe = await readRecipe(file, undefined, {});
const calibration = await readData(graph, values.calibrate ?? recipe.calibrate, recipe, { samples: 1000, seed: 1 });
const images = values.images === undefined ? undefined : Number(values.images);
const evaluation = await readData(graph, values.evaluate ?? recipe.evaluate, recipe, {
  ...(images !== undefined && { samples: images }),
  seed: 1,
  labelled: true,
});
const evaluations = createEvaluationCache(evaluation, defaultCacheFolder);
const [toolchain] = await benchToolchains(armv8a, '-O2');
const statistics = await calibrateNetwork(graph, calibration, completeOptions());
const float = await floatAccuracy(path, graph, evaluation);

const points: Point[] = [];
const direct = await quantized(new Map());
await add('none', direct);
// What was chosen for the direct layers stays as it is: the rows differ by nothing else.
const kept = new Map<string, LayerOverride>(
  direct.layers.map(({ name, dataBits, segments }) => [name, { bits: dataBits, segments }]),
);
const predicted = predictLayers(direct.graph);
const names = graph.nodes
  .filter((node) => winogradMisfit(graph, node, completeOptions()) === undefined)
  .map((node) => node.origin.name)
  .sort((a, b) => (predicted.get(b)?.predicted ?? 0) - (predicted.get(a)?.predicted ?? 0));
await add('all as F(2×2), exact', await quantized(inForm(names, 'f2-exact')));
await add('all as F(2×2)', await quantized(inForm(names, 'f2')));
for (let count = 1; count <= names.length; count++) {
  const chosen = names.slice(0, count);
  const what = count === names.length ? 'all as F(4×4)' : `${chosen.join(', ')} as F(4×4)`;
  await add(what, await quantized(inForm(chosen, 'f4')));
}

if (images !== undefined) console.log(table());
else {
  const page = new URL('../docs/winograd.md', import.meta.url);
  const section = { name: 'front', script: 'bench/winograd-front.ts' };
  await writeFile(page, replaceSection(await readFile(page, 'utf8'), section, table()));
}

function inForm(chosen: readonly string[], form: WinogradName): Map<string, LayerOverride> {
  const own = chosen.map((name) => [name, { winograd: form, bits: bitsOfForm[form] }] as const);
  return new Map([...kept, ...own]);
}

function quantized(layers: ReadonlyMap<string, LayerOverride>): Promise<QuantizedModel> {
  return quantizeCalibrated(statistics, completeOptions({ layers }));
}

async function add(what: string, { graph: of, layers }: QuantizedModel): Promise<void> {
  const top1 = (await evaluations.correct(of)) / evaluation.count;
  const point = { what, proven: layers.every((layer) => layer.proven), instructions: await counted(of), top1 };
  console.error(`${what}: ${millions(point)} instructions, ${percent(top1)}`);
  points.push(point);
}

function counted(of: Graph): Promise<number> {
  return withTempDir(async (work) => {
    const plan = planMemory(of, selectKernels(of, armv8a));
    const program = await writeCounted(join(work, 'network'), { graph: of, plan, target: armv8a, prefix: 'network' });
    const { total } = await countInstructions(join(work, 'network'), program, toolchain!);
    return total.instructions;
  });
}

/** Fewest instructions last. */
function table(): string {
  const rows = points
    .toSorted((a, b) => b.instructions - a.instructions)
    .map((point) => {
      const beaten = points.some((p) => p.instructions < point.instructions && p.top1 >= point.top1);
      const cells = [
        point.what,
        point.proven ? 'all' : 'not all',
        millions(point),
        percent(point.top1),
        ((point.top1 - float.top1) * 100).toFixed(2),
        beaten ? '' : 'yes',
      ];
      return `| ${cells.join(' | ')} |`;
    });
  return [
    `${graph.name} has ${percent(float.top1)} in float. ${evaluation.count.toLocaleString('en')} images, ${toolchain!.name}:`,
    '',
    '| layers in the Winograd domain | proven | instructions | top-1 | against float, points | on the front |',
    '|---|---|---:|---:|---:|---|',
    ...rows,
  ].join('\n');
}

function millions({ instructions }: Point): string {
  return `${(instructions / 1e6).toFixed(2)} M`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
