import { basename } from 'node:path';
import { NeonarrowError, reject, unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { GraphBuilder } from '../graph/build.ts';
import type { Graph, Origin, Shape } from '../graph/types.ts';
import { placeOf } from '../ops/errors.ts';
import { parsers } from '../ops/index.ts';
import { decodeModel } from './decode.ts';
import { foldNode, foldShape } from './fold.ts';
import { importerFor, type Values } from './importer.ts';
import { resolveInputShapes } from './input-shapes.ts';
import { type IntegerContext, integerParser, isIntegerType, markMoved } from './integer-values.ts';
import type { ModelNode, SourceModel } from './model.ts';
import { isQLinear, lower } from './qlinear.ts';
import { isQonnx, parseQonnx } from './qonnx.ts';
import {
  checkOpset,
  constantValues,
  describe,
  readsShapeOnly,
  unsupportedNodes,
  unsupportedOperators,
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
  const model = withoutDeadNodes(source);
  checkOpset(model);
  const builder = new GraphBuilder(basename(options.path).replace(/\.onnx$/i, ''));
  const values: Values = {
    constants: new Map(model.initializers),
    tensors: new Map(),
    integers: new Map(),
    uses: countUses(model),
  };
  for (const [name, shape] of resolveInputShapes(model, options.inputShapes ?? {})) {
    const tensor = builder.addTensor({ id: builder.freshId(name), shape, dtype: 'float32' });
    values.tensors.set(name, tensor);
    const integer = model.inputs.find((input) => input.name === name)?.dtype;
    if (isIntegerType(integer)) values.integers.set(name, { dtype: integer, grid: undefined });
    builder.inputs.push({ name, tensor, shape, views: [], ...(isIntegerType(integer) && { integer }) });
  }
  await importNodes(model, builder, values);
  for (const { name } of model.outputs) {
    const tensor = values.tensors.get(name);
    if (tensor === undefined) throw constantOutput(name);
    const integer = values.integers.get(name)?.dtype;
    const { shape } = must(builder.tensors.get(tensor), name);
    builder.outputs.push({ name, tensor, shape, views: [], ...(integer && { integer }) });
  }
  return builder.build();
}

/** Why a node cannot be taken, and what to do about it. */
interface Refusal {
  readonly node: ModelNode;
  readonly advice: string;
  /** Where a parser refused the node. */
  readonly error?: NeonarrowError;
}

/**
 * Folds or parses node by node. What cannot be taken is collected, and the nodes behind it are skipped unless they cannot
 * be taken either, so that one message names them all.
 */
async function importNodes(model: SourceModel, builder: GraphBuilder, values: Values): Promise<void> {
  const unknown = unsupportedOperators(model, constantValues(model));
  const refusals: Refusal[] = [];
  const lost = new Set<string>();
  for (const node of model.nodes) {
    const advice = unknown.get(node);
    if (advice !== undefined) refusals.push({ node, advice });
    else if (!node.inputs.some((name) => lost.has(name))) {
      const error = await refusalOf(() => importNode(node, model, builder, values));
      if (error === undefined) continue;
      refusals.push({ node, advice: `${error.message}. ${error.hint ?? ''}`, error });
    }
    for (const name of node.outputs) lost.add(name);
  }
  const [first] = refusals;
  if (first === undefined) return;
  if (refusals.length === 1 && first.error !== undefined) throw first.error;
  throw unsupportedNodes(refusals.map(({ node, advice }) => `${describe(node)}: ${advice}`));
}

async function refusalOf(action: () => Promise<void>): Promise<NeonarrowError | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (error instanceof NeonarrowError && error.code === 'unsupported-operator') return error;
    throw error;
  }
}

async function importNode(
  node: ModelNode,
  model: SourceModel,
  builder: GraphBuilder,
  values: Values,
  origin: Origin = { name: node.name, opType: node.opType },
): Promise<void> {
  const { constants, tensors } = values;
  const unknown = node.inputs.find((name) => name !== '' && !constants.has(name) && !tensors.has(name));
  if (unknown !== undefined) throw unknownValue(unknown, origin);
  const shapeOf = (name: string): Shape =>
    constants.get(name)?.shape ?? must(builder.tensors.get(tensors.get(name) ?? ''), name).shape;
  if (readsShapeOnly(node)) {
    constants.set(must(node.outputs[0], 'output'), foldShape(node, shapeOf(node.inputs[0] ?? '')));
  } else if (node.inputs.every((name) => name === '' || constants.has(name))) {
    const inputs = node.inputs.map((name) => constants.get(name));
    for (const [name, tensor] of await foldNode(node, model.opsets, inputs)) constants.set(name, tensor);
  } else if (isQLinear(node)) {
    const lowered = lower(node, constants, (name) => shapeOf(name).length);
    for (const [name, tensor] of lowered.constants) constants.set(name, tensor);
    const opsets = lowered.opset === undefined ? model.opsets : new Map([...model.opsets, ['', lowered.opset]]);
    for (const part of lowered.nodes) await importNode(part, { ...model, opsets }, builder, values, origin);
  } else {
    parseNode(node, model.opsets.get('') ?? 0, builder, values, origin);
  }
}

function parseNode(node: ModelNode, opset: number, builder: GraphBuilder, values: Values, origin: Origin): void {
  const im = importerFor(node, opset, builder, values, origin);
  const context: IntegerContext = { im, integers: values.integers };
  const integer = integerParser(context);
  if (integer !== undefined) {
    integer(context);
    return;
  }
  (isQonnx(node) ? parseQonnx : must(parsers.get(node.opType), `parser of ${node.opType}`))(im);
  markMoved(context);
}

function countUses(model: SourceModel): ReadonlyMap<string, number> {
  const uses = new Map<string, number>();
  const read = [...model.nodes.flatMap((n) => n.inputs), ...model.outputs.map((o) => o.name)];
  // An omitted input has an empty name, as has an output that is left out.
  for (const name of read) if (name !== '') uses.set(name, (uses.get(name) ?? 0) + 1);
  return uses;
}

function unknownValue(name: string, origin: Origin): NeonarrowError {
  return reject({
    code: 'invalid-model',
    message: `it reads "${name}", which is no input or constant, and no node before it makes it`,
    place: placeOf(origin),
    hint: 'The file is broken, or its nodes are not in order: have a look at it with onnx.checker, or export it again.',
  });
}

function constantOutput(name: string): NeonarrowError {
  return unsupported({
    code: 'constant-output',
    message: 'it does not depend on any input',
    place: `output "${name}"`,
    hint: 'Remove the output from the model.',
  });
}
