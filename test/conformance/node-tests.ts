/**
 * Runs the ONNX standard's own node tests (onnx.backend.test) through import, all passes and the float meaning:
 *
 *   npx vite-node test/conformance/node-tests.ts DIR [NAME…]
 *
 * DIR holds a folder for each test, with its model.onnx and data sets: `python3 -m onnx.backend.test.cmd_tools generate-data -o OUT` writes them
 * to OUT/node. Node tests give parameters (weights, axes, shapes) as inputs; here all but the first become constants
 * where the model is refused otherwise. A result that differs, a crash or an `invariant` fails the run; a refusal does not.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import type { Graph, Port } from '../../src/graph/types.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { importModel } from '../../src/onnx/import.ts';
import type { SourceModel, SourceTensor } from '../../src/onnx/model.ts';
import { runModel } from '../../src/onnx/run.ts';
import { optimize } from '../../src/passes/index.ts';
import { verifyGraph } from '../../src/passes/pass.ts';

const { onnx } = onnxProto;

type Outcome = 'pass' | 'refused' | 'wrong' | 'crash' | 'unreadable';

interface Result {
  readonly name: string;
  readonly outcome: Outcome;
  readonly detail: string;
}

interface NodeTest {
  readonly model: SourceModel;
  readonly inputs: readonly SourceTensor[];
  readonly outputs: readonly SourceTensor[];
}

/** A TensorProto file, read as the initializer of a model. */
async function readTensor(path: string): Promise<SourceTensor> {
  const initializer = onnx.TensorProto.decode(await readFile(path));
  initializer.name = 't';
  const node = { opType: 'Identity', input: ['t'], output: ['y'] };
  const graph = { name: 'g', initializer: [initializer], node: [node], output: [{ name: 'y' }] };
  const model = onnx.ModelProto.create({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph });
  const decoded = await decodeModel(onnx.ModelProto.encode(model).finish(), path);
  return decoded.initializers.get('t') ?? fail(`no tensor in ${path}`);
}

function fail(message: string): never {
  throw new Error(message);
}

async function readTest(folder: string): Promise<NodeTest> {
  const data = join(folder, 'test_data_set_0');
  const files = await readdir(data);
  const read = (kind: string) => {
    const count = files.filter((f) => f.startsWith(`${kind}_`)).length;
    return Promise.all(Array.from({ length: count }, (_, i) => readTensor(join(data, `${kind}_${i}.pb`))));
  };
  const model = await decodeModel(await readFile(join(folder, 'model.onnx')), folder);
  return { model, inputs: await read('input'), outputs: await read('output') };
}

/** The test's model with all inputs but the first `open` ones as constants. */
function withConstants({ model, inputs }: NodeTest, open: number): SourceModel {
  const initializers = new Map(model.initializers);
  model.inputs.slice(open).forEach((input, i) => {
    initializers.set(input.name, inputs[open + i] ?? fail(`no data for ${input.name}`));
  });
  return { ...model, inputs: model.inputs.slice(0, open), initializers };
}

async function runTest(name: string, folder: string): Promise<Result> {
  let test: NodeTest;
  try {
    test = await readTest(folder);
  } catch (error) {
    return { name, outcome: 'unreadable', detail: String(error) };
  }
  const count = test.model.inputs.length;
  const fits = test.model.inputs.every((input, i) => {
    const data = test.inputs[i];
    const declared = input.shape ?? data?.shape;
    return (
      input.dtype === data?.dtype && declared?.every((d, axis) => typeof d !== 'number' || d === data?.shape[axis])
    );
  });
  if (!fits) return { name, outcome: 'unreadable', detail: 'its data do not have the types and shapes of its inputs' };
  let result: Result = { name, outcome: 'refused', detail: 'it has no inputs' };
  for (const open of new Set([count, 1])) {
    if (open > count || open < 1) continue;
    result = await attempt(name, test, open);
    if (result.outcome !== 'refused') return result;
  }
  return result;
}

async function attempt(name: string, test: NodeTest, open: number): Promise<Result> {
  try {
    const model = withConstants(test, open);
    const imported = await importModel(encodeModel(model), { path: 'test.onnx' });
    verifyGraph(imported, 'import');
    const optimized = optimize(imported);
    const feeds = new Map(imported.inputs.map((p, i) => [p.name, realOf(imported, p, test.inputs[i]!)] as const));
    const wanted = imported.outputs.map((p, i) => realOf(imported, p, test.outputs[i]!));
    const steps = imported.outputs.map((p) => (p.integer === undefined ? 0 : gridOf(imported, p).scale));
    for (const graph of [imported, optimized]) {
      const actual = await runModel(exportFloat(graph).model, feeds);
      const values = [...actual.values()];
      const problem = wanted.map((want, i) => difference(values[i], want, steps[i]!)).find((d) => d !== undefined);
      if (problem !== undefined) return { name, outcome: 'wrong', detail: problem };
    }
    return { name, outcome: 'pass', detail: '' };
  } catch (error) {
    if (error instanceof NeonarrowError && (error.kind === 'reject' || error.kind === 'unsupported')) {
      return { name, outcome: 'refused', detail: [error.message, ...(error.details ?? [])].join('; ') };
    }
    return {
      name,
      outcome: 'crash',
      detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

/** Scale and zero point of a port that holds integers; of uint8 ones, 128 above the tensor's. */
function gridOf(graph: Graph, { tensor, integer }: Port): { readonly scale: number; readonly zeroPoint: number } {
  const rounding = graph.nodes.find((n) => n.op.kind === 'fakeQuant' && [...n.inputs, ...n.outputs].includes(tensor));
  if (rounding?.op.kind !== 'fakeQuant') return { scale: 1, zeroPoint: 0 };
  const { scale, zeroPoint } = rounding.op.quant;
  return { scale: scale[0]!, zeroPoint: zeroPoint + (integer === 'uint8' ? 128 : 0) };
}

/** The real values behind integers. */
function realOf(graph: Graph, port: Port, value: SourceTensor): SourceTensor {
  if (port.integer === undefined) return { ...value, dtype: 'float32', data: Float32Array.from(value.data) };
  const { scale, zeroPoint } = gridOf(graph, port);
  return { shape: value.shape, dtype: 'float32', data: Float32Array.from(value.data, (q) => scale * (q - zeroPoint)) };
}

/** As the standard's own runner compares: relative 10^-3, absolute 10^-5; `step` for integers, which may be rounded to another. */
function difference(actual: SourceTensor | undefined, want: SourceTensor, step: number): string | undefined {
  if (actual === undefined) return 'an output is missing';
  if (actual.shape.join() !== want.shape.join()) return `shape ${actual.shape} instead of ${want.shape}`;
  const at = want.data.findIndex((v: number, i: number) => {
    const got = actual.data[i]!;
    const same = Object.is(v, got) || v === got;
    return !same && !(Math.abs(got - v) <= 1e-5 + step + 1e-3 * Math.abs(v));
  });
  return at < 0 ? undefined : `${actual.data[at]} instead of ${want.data[at]} at ${at}`;
}

const [directory, ...wanted] = process.argv.slice(2);
if (directory === undefined) fail('usage: vite-node test/conformance/node-tests.ts DIR [NAME…]');
const names = (await readdir(directory)).filter((n) => wanted.length === 0 || wanted.some((w) => n.includes(w))).sort();
const results: Result[] = [];
for (const name of names) results.push(await runTest(name, join(directory, name)));
for (const { name, outcome, detail } of results)
  if (outcome !== 'pass') console.log(`${outcome.padEnd(10)} ${name}: ${detail}`);
const countOf = (outcome: Outcome): number => results.filter((r) => r.outcome === outcome).length;
const outcomes: readonly Outcome[] = ['pass', 'refused', 'unreadable', 'wrong', 'crash'];
console.log(`${results.length} tests: ${outcomes.map((o) => `${countOf(o)} ${o}`).join(', ')}`);
if (countOf('wrong') + countOf('crash') > 0) process.exitCode = 1;
