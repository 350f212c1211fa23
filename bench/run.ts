/**
 * Measures the layers and networks of `bench/layers.json` and writes `bench/results.json` and `bench/results.md`:
 *
 *   npm run bench [-- [--quick] NAME…]      only these networks, `layers` for the single layers (`layers-TARGET` for those
 *                                           of one target), `digits` for the example: what the files hold of others stays;
 *                                           --quick neither verifies nor measures baselines, and prints instead
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCounted } from '../src/bench/baseline-bundle.ts';
import { type BenchResult, benchProgram } from '../src/bench/bench.ts';
import { benchToolchains } from '../src/bench/toolchains.ts';
import { withTempDir } from '../src/build/temp.ts';
import type { Graph } from '../src/graph/types.ts';
import { selectKernels } from '../src/kernels/select.ts';
import { planMemory } from '../src/plan/plan.ts';
import { armv8a } from '../src/targets/armv8-a.ts';
import type { Target } from '../src/targets/target.ts';
import { loadBundle } from '../src/verify/load.ts';
import type { VerifiedProgram } from '../src/verify/program.ts';
import { verifyProgram } from '../src/verify/verify.ts';
import { layerGraph, layerTargets, networkGraph } from './graphs.ts';
import { quantizedNetwork } from './quantized-network.ts';
import { readPeers, resultsText } from './report.ts';
import { type MeasuredProgram, measuredOf, type Results } from './results.ts';
import { type NetworkSpec, readSpecification } from './specification.ts';

const specification = readSpecification();
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const quick = process.argv.includes('--quick');
const resultsFile = new URL('results.json', import.meta.url);
const isWanted = (name: string) => wanted.length === 0 || wanted.includes(name);

const programs: MeasuredProgram[] = [];
for (const target of layerTargets) {
  // An empty one has the same name, and takes no time to make.
  if (!isWanted('layers') && !isWanted(layerGraph([], target).name)) continue;
  programs.push(await measure(layerGraph(specification.layers, target), target));
}
for (const network of specification.networks) {
  if (isWanted(network.name)) programs.push(await measure(await graphOf(network), armv8a));
}
if (isWanted('digits')) programs.push(await measureBundle('generated/digits'));

if (quick) console.log(resultsText({ programs }, specification, readPeers()));
else await write(await withOthers(programs));

/** The results with those of the programs that were not measured now, in the order of the specification. */
async function withOthers(measured: readonly MeasuredProgram[]): Promise<Results> {
  const stored = await readFile(resultsFile, 'utf8').catch(() => '{ "programs": [] }');
  const old = (JSON.parse(stored) as Results).programs.filter(({ name }) => !measured.some((m) => m.name === name));
  const order = [
    ...layerTargets.map((target) => layerGraph([], target).name),
    ...specification.networks.map(({ name }) => name),
    'digits',
  ];
  const all = [...old, ...measured].filter(({ name }) => order.includes(name));
  return { programs: all.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) };
}

async function write(results: Results): Promise<void> {
  await writeFile(resultsFile, `${JSON.stringify(results, null, 1)}\n`);
  await writeFile(new URL('results.md', import.meta.url), resultsText(results, specification, readPeers()));
}

function graphOf(network: NetworkSpec): Graph | Promise<Graph> {
  return 'layers' in network ? networkGraph(network) : quantizedNetwork(network);
}

/** Compiles, verifies bit for bit on a few vectors, and counts. */
async function measure(graph: Graph, target: Target): Promise<MeasuredProgram> {
  return withTempDir(async (work) => {
    const dir = join(work, graph.name);
    console.error(`${graph.name}: generating`);
    const plan = planMemory(graph, selectKernels(graph, target));
    const program = await writeCounted(dir, { graph, plan, target, prefix: graph.name.replaceAll('-', '_') });
    if (!quick) await verify(dir, program);
    console.error(`${graph.name}: counting`);
    // 32-bit accumulation by other means is no measure for targets that have it in hardware.
    const baselines = quick || target !== armv8a ? [] : (['widen', 'pairs'] as const);
    const result: BenchResult = await benchProgram(dir, program, { baselines });
    return measuredOf(program, result);
  });
}

/** A bundle that is verified where it was made. */
async function measureBundle(dir: string): Promise<MeasuredProgram> {
  console.error(`${dir}: counting`);
  const program = await loadBundle(dir);
  return measuredOf(program, await benchProgram(dir, program, { baselines: quick ? [] : ['widen', 'pairs'] }));
}

async function verify(dir: string, program: VerifiedProgram): Promise<void> {
  console.error(`${program.prefix}: verifying`);
  const toolchains = await benchToolchains(program.target, '-O2');
  const verification = await verifyProgram(dir, program, { samples: [], toolchains, budget: 1e9 });
  if (!verification.verified) throw new Error(`wrong: ${JSON.stringify(verification.firstMismatch)}`);
}
