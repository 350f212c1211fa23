import { basename } from 'node:path';
import { NeonarrowError, unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { GraphBuilder } from '../graph/build.ts';
import type { Graph, Shape } from '../graph/types.ts';
import { parsers } from '../ops/index.ts';
import { decodeModel } from './decode.ts';
import { foldNode, foldShape } from './fold.ts';
import { importerFor, type Values } from './importer.ts';
import { resolveInputShapes } from './input-shapes.ts';
import type { ModelNode, SourceModel } from './model.ts';
import { joinQuantizeChains } from './quantize-chains.ts';
import {
  checkSupport,
  constantValues,
  describe,
  readsShapeOnly,
  unsupportedNodes,
  withoutDeadNodes,
} from './support.ts';

export interface ImportOptions {
  /** The model file: its name names the graph, external data lies next to it. */
  readonly path: string;
  /** Shapes of inputs that the file leaves open, by input name. */
  readonly inputShapes?: Readonly<Record<string, Shape>>;
}

/**
 * Reads an ONNX file into a graph. Activations keep their ONNX layout; `passes/nhwc-layout` makes them channels-last.
 * @throws reject or unsupported with the node or file as place (codes: see decode.ts, support.ts, input-shapes.ts)
 */
export async function importModel(bytes: Uint8Array, options: ImportOptions): Promise<Graph> {
  return importSource(await decodeModel(bytes, options.path), options);
}

/** The same from a decoded model. */
export async function importSource(source: SourceModel, options: ImportOptions): Promise<Graph> {
  const known = constantValues(source);
  const model = withoutDeadNodes(joinQuantizeChains(source, (name) => known.has(name)));
  checkSupport(model, known);
  const builder = new GraphBuilder(basename(options.path).replace(/\.onnx$/i, ''));
  const values: Values = { constants: new Map(model.initializers), tensors: new Map(), uses: countUses(model) };
  for (const [name, shape] of resolveInputShapes(model, options.inputShapes ?? {})) {
    const tensor = builder.addTensor({ id: builder.freshId(name), shape, dtype: 'float32' });
    values.tensors.set(name, tensor);
    builder.inputs.push({ name, tensor, shape, views: [] });
  }
  await importNodes(model, builder, values);
  for (const { name } of model.outputs) {
    const tensor = values.tensors.get(name);
    if (tensor === undefined) throw constantOutput(name);
    builder.outputs.push({ name, tensor, shape: must(builder.tensors.get(tensor), name).shape, views: [] });
  }
  return builder.build();
}

/**
 * Folds or parses node by node. What a parser does not take is collected, and the nodes behind it are skipped, so that
 * one message names them all.
 */
async function importNodes(model: SourceModel, builder: GraphBuilder, values: Values): Promise<void> {
  const refusals: { readonly node: ModelNode; readonly error: NeonarrowError }[] = [];
  const lost = new Set<string>();
  for (const node of model.nodes) {
    if (node.inputs.some((name) => lost.has(name))) {
      for (const name of node.outputs) lost.add(name);
      continue;
    }
    try {
      await importNode(node, model, builder, values);
    } catch (error) {
      if (!(error instanceof NeonarrowError) || error.code !== 'unsupported-operator') throw error;
      refusals.push({ node, error });
      for (const name of node.outputs) lost.add(name);
    }
  }
  if (refusals.length === 1) throw refusals[0]!.error;
  if (refusals.length === 0) return;
  throw unsupportedNodes(refusals.map(({ node, error }) => `${describe(node)}: ${error.message}. ${error.hint ?? ''}`));
}

async function importNode(node: ModelNode, model: SourceModel, builder: GraphBuilder, values: Values): Promise<void> {
  const { constants, tensors } = values;
  if (readsShapeOnly(node)) {
    const input = node.inputs[0] ?? '';
    const shape = constants.get(input)?.shape ?? must(builder.tensors.get(tensors.get(input) ?? ''), input).shape;
    constants.set(must(node.outputs[0], 'output'), foldShape(node, shape));
  } else if (node.inputs.every((name) => name === '' || constants.has(name))) {
    const inputs = node.inputs.map((name) => constants.get(name));
    for (const [name, tensor] of await foldNode(node, model.opsets, inputs)) constants.set(name, tensor);
  } else {
    const parse = must(parsers.get(node.opType), `parser of ${node.opType}`);
    parse(importerFor(node, model.opsets.get(node.domain) ?? 0, builder, values));
  }
}

function countUses(model: SourceModel): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const read = [...model.nodes.flatMap((n) => n.inputs), ...model.outputs.map((o) => o.name)];
  for (const name of read) uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

function constantOutput(name: string): NeonarrowError {
  return unsupported({
    code: 'constant-output',
    message: 'it does not depend on any input',
    place: `output "${name}"`,
    hint: 'Remove the output from the model.',
  });
}
