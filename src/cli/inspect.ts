import { type Command, Option } from 'commander';
import { grouped } from '../core/format.ts';
import { inputsOf } from '../graph/build.ts';
import { printGraph } from '../graph/print.ts';
import type { Graph } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import { type LayerReport, layerReports } from '../quantize/report.ts';
import { layerSolutions } from '../quantize/search/solution-space.ts';
import type { Model } from '../stages/read-model.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { type ModelFlags, openModel, withModelOptions } from './model-options.ts';
import { layerTable, scalarBitsOf, scalarText, solutionTable } from './tables.ts';
import { wholeNumber } from './words.ts';

type Flags = GlobalOptions & ModelFlags & { accBits?: number; lanes: string };

export function addInspect(program: Command): void {
  const command = program
    .command('inspect')
    .argument('<model>', 'ONNX network, float or quantized')
    .description('the network as neonarrow sees it after its passes; for quantized ones the proof of each layer')
    .option(
      '--acc-bits <n>',
      "print each layer's widths that fully use this accumulator",
      wholeNumber('--acc-bits', 8, 32),
    )
    .addOption(new Option('--lanes <n>', 'for --acc-bits: accumulators an output').choices(['1', '8']).default('1'));
  withGlobalOptions(withModelOptions(command));
  command.action((path: string, flags: Flags) =>
    perform(flags, async () => {
      const { model } = await openModel(path, flags);
      if (flags.accBits !== undefined) return solutions(model.graph, flags.accBits, flags.lanes === '8' ? 8 : 1);
      return { json: jsonOf(model), text: () => describe(model), ok: true };
    }),
  );
}

/** The paper's solution space of each layer. */
function solutions(graph: Graph, bits: number, lanes: 1 | 8): Outcome {
  const layers = layerSolutions(graph, bits, lanes);
  return { json: { name: graph.name, bits, lanes, layers }, text: () => solutionTable(layers), ok: true };
}

function jsonOf(model: Model): object {
  const { graph, quantized, sha256 } = model;
  const port = ({ name, shape }: Graph['inputs'][number]) => ({ name, shape });
  return {
    name: graph.name,
    sha256,
    quantized,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map(port),
    macs: macsOf(graph),
    parameters: parametersOf(graph),
    nodes: graph.nodes.map((n) => ({ name: n.origin.name, opType: n.origin.opType, kind: n.op.kind })),
    ...(quantized && quantizedFacts(layerReports(graph))),
    notes: model.notes,
  };
}

function quantizedFacts(layers: readonly LayerReport[]): object {
  return { layers, scalarBits: scalarBitsOf(layers) };
}

function describe(model: Model): string {
  const { graph, quantized } = model;
  const facts = `${grouped(parametersOf(graph))} parameters, ${grouped(macsOf(graph))} multiply-accumulates, ${graph.nodes.length} nodes`;
  return [printGraph(graph), facts, ...model.notes, ...(quantized ? proofOf(layerReports(graph)) : [])].join('\n');
}

/** The table of layers, and the accumulator that would do for all of them without lanes or flushes. */
function proofOf(layers: readonly LayerReport[]): string[] {
  return ['', layerTable(layers), '', scalarText(layers)];
}

function macsOf(graph: Graph): number {
  return graph.nodes.reduce((sum, n) => sum + (definitionOf(n).reduction?.(n, inputsOf(graph, n)).macs ?? 0), 0);
}

function parametersOf(graph: Graph): number {
  return [...graph.tensors.values()].reduce((sum, t) => sum + (t.data?.length ?? 0), 0);
}
