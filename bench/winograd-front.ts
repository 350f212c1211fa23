/**
 * Accuracy against instructions, from direct convolutions to all in the Winograd domain, as the table of docs/winograd.md:
 *
 *   npx vite-node bench/winograd-front.ts -- MODEL --calibrate DATA --evaluate DATA [--images N]
 *
 * Layers are taken into F(4×4) one after the other, those first that save most; all in F(2×2) stand next to them. Instructions are
 * counted under QEMU with the first cross compiler at -O2, whole network; every layer is proven. MODEL's recipe lies next to it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeCounted } from '../src/bench/baseline-bundle.ts';
import { countInstructions } from '../src/bench/count.ts';
import { benchToolchains } from '../src/bench/toolchains.ts';
import { withTempDir } from '../src/build/temp.ts';
import type { Graph } from '../src/graph/types.ts';
import { floatAccuracy, quantizedAccuracy } from '../src/interpret/accuracy.ts';
import { selectKernels } from '../src/kernels/select.ts';
import { planMemory } from '../src/plan/plan.ts';
import { completeOptions, type LayerOverride, type WinogradChoice } from '../src/quantize/options.ts';
import { quantizeCalibrated } from '../src/quantize/quantize.ts';
import { calibrateNetwork } from '../src/quantize/statistics.ts';
import { bitsOfForm, type WinogradName, winogradMisfit } from '../src/quantize/winograd/plan.ts';
import { readData, readRecipe } from '../src/stages/read-data.ts';
import { importFile, readModelFile } from '../src/stages/read-model.ts';
import { armv8a } from '../src/targets/armv8-a.ts';

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
const float = await floatAccuracy(path, graph, evaluation);
const [toolchain] = await benchToolchains(armv8a, '-O2');
const statistics = await calibrateNetwork(graph, calibration, completeOptions());

console.log(`float: ${percent(float.top1)} of ${float.samples} images\n`);
console.log(
  '| layers in the Winograd domain | proven | instructions | top-1 | against float |\n|---|---|---:|---:|---:|',
);
const direct = await quantized(new Map());
await show('none', direct);
// What was chosen for the direct layers stays as it is: the rows differ by nothing else.
const kept = new Map<string, LayerOverride>(
  direct.layers.map(({ name, dataBits, segments }) => [name, { bits: dataBits, segments }]),
);
const able = graph.nodes.filter((node) => winogradMisfit(graph, node, completeOptions()) === undefined);
const cost = (name: string) => predicted(direct.graph).get(name) ?? 0;
const names = able.map((node) => node.origin.name).sort((a, b) => cost(b) - cost(a));
for (let count = 1; count <= names.length; count++) {
  const chosen = names.slice(0, count);
  const label = count === names.length ? 'all as F(4×4)' : `${chosen.join(', ')} as F(4×4)`;
  await show(label, await quantized(inForm(chosen, 'f4')));
}
await show('all as F(2×2)', await quantized(inForm(names, 'f2')));
await show('all as F(2×2), exact', await quantized(inForm(names, 'f2-exact')));

function inForm(chosen: readonly string[], form: WinogradName): Map<string, LayerOverride> {
  const own = chosen.map((name) => [name, { winograd: form as WinogradChoice, bits: bitsOfForm[form] }] as const);
  return new Map([...kept, ...own]);
}

function quantized(layers: ReadonlyMap<string, LayerOverride>) {
  return quantizeCalibrated(statistics, completeOptions({ layers }));
}

function predicted(of: Graph): Map<string, number> {
  const selections = selectKernels(of, armv8a);
  return new Map(of.nodes.map((n) => [n.origin.name, selections.get(n.id)!.cost(n, of, armv8a).instructions] as const));
}

async function show(label: string, { graph: of, layers }: Awaited<ReturnType<typeof quantized>>): Promise<void> {
  const { top1 } = await quantizedAccuracy(of, evaluation);
  const { total } = await withTempDir(async (work) => {
    const plan = planMemory(of, selectKernels(of, armv8a));
    const program = await writeCounted(join(work, 'network'), { graph: of, plan, target: armv8a, prefix: 'network' });
    return countInstructions(join(work, 'network'), program, toolchain!);
  });
  const proven = layers.every((layer) => layer.proven) ? 'all' : 'not all';
  const drop = `${((top1 - float.top1) * 100).toFixed(2)}`;
  console.log(`| ${label} | ${proven} | ${(total.instructions / 1e6).toFixed(2)} M | ${percent(top1)} | ${drop} |`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
