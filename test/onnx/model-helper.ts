import { expect } from 'vitest';
import { type Diagnostic, type ErrorKind, NeonarrowError } from '../../src/core/diagnostics.ts';
import { createRandom } from '../../src/core/random.ts';
import { dtypeOf } from '../../src/graph/build.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, Shape, TensorData } from '../../src/graph/types.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { type ImportOptions, importModel } from '../../src/onnx/import.ts';
import type { AttributeValue, ModelNode, SourceModel, SourceTensor } from '../../src/onnx/model.ts';
import { runModel } from '../../src/onnx/run.ts';
import { optimize } from '../../src/passes/index.ts';
import { verifyGraph } from '../../src/passes/pass.ts';

/** Integers become INT or INTS attributes; `{ float }` and `{ floats }` say that floats are meant. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | SourceTensor;

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute | undefined>> | undefined;
  readonly domain?: string;
  readonly name?: string;
}

export interface ModelSpec {
  readonly inputs: Readonly<Record<string, readonly (number | string | undefined)[]>>;
  /** Each node's output is called `n0`, `n1`, … where it names none. */
  readonly nodes: readonly NodeSpec[];
  readonly constants?: Readonly<Record<string, SourceTensor>>;
  /** The last node's output where absent. */
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

export function buildModel(spec: ModelSpec): SourceModel {
  const nodes = spec.nodes.map((n, i): ModelNode => {
    const attributes = Object.entries(n.attributes ?? {}).filter(([, v]) => v !== undefined);
    return {
      name: n.name ?? `${n.op.toLowerCase()}_${i}`,
      opType: n.op,
      domain: n.domain ?? '',
      inputs: n.inputs,
      outputs: n.outputs ?? [`n${i}`],
      attributes: new Map(attributes.map(([name, v]) => [name, attributeOf(v as Attribute)])),
    };
  });
  const domains = new Set(nodes.map((n) => n.domain));
  return {
    graphName: 'test',
    producer: 'test',
    opsets: new Map([['', spec.opset ?? 17], ...[...domains].filter((d) => d !== '').map((d) => [d, 1] as const)]),
    metadata: new Map(),
    inputs: Object.entries(spec.inputs).map(([name, shape]) => ({
      name,
      dtype: 'float32',
      elementType: 'float',
      shape,
    })),
    outputs: (spec.outputs ?? nodes.at(-1)!.outputs.slice(0, 1)).map((name) => ({
      name,
      dtype: undefined,
      elementType: '',
      shape: undefined,
    })),
    initializers: new Map(Object.entries(spec.constants ?? {})),
    nodes,
  };
}

function attributeOf(value: Attribute): AttributeValue {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  if ('float' in value) return { type: 'float', value: value.float };
  if ('floats' in value) return { type: 'floats', value: value.floats };
  if ('data' in value) return { type: 'tensor', value };
  return { type: 'ints', value };
}

export function tensor(shape: Shape, data: TensorData): SourceTensor {
  return { shape, dtype: dtypeOf(data), data };
}

export function int64(...values: number[]): SourceTensor {
  return tensor([values.length], Float64Array.from(values));
}

export function scalar(value: number): SourceTensor {
  return tensor([], Float32Array.of(value));
}

/** Normal values of one seed. */
export function random(shape: Shape, seed: number, scale = 1): SourceTensor {
  const r = createRandom(seed);
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => r.normal() * scale),
  );
}

const convWeights = random([4, 3, 3, 3], 1);
const convNode: NodeSpec = { op: 'Conv', inputs: ['x', 'w'] };

/** A model of one convolution, 3 → 4 channels. */
export const oneConv = {
  weights: convWeights,
  node: convNode,
  model: { inputs: { x: [1, 3, 8, 8] }, nodes: [convNode], constants: { w: convWeights } } satisfies ModelSpec,
};

export interface Imported {
  readonly imported: Graph;
  readonly optimized: Graph;
}

/**
 * Asserts that the model computes the same in ONNX Runtime as it stands, imported, and after all passes: outputs of the
 * same names and shapes, values within 10^-4 of the largest.
 */
export async function expectFaithful(spec: ModelSpec | Uint8Array): Promise<Imported> {
  const bytes = spec instanceof Uint8Array ? spec : encodeModel(buildModel(spec));
  const imported = await importModel(bytes, { path: 'test.onnx' });
  verifyGraph(imported, 'import');
  const optimized = optimize(imported);
  const feeds = new Map(imported.inputs.map((p, i) => [p.name, random(p.shape, 100 + i)] as const));
  const expected = await runModel(bytes, feeds);
  for (const graph of [imported, optimized]) {
    const actual = await runModel(exportFloat(graph).model, feeds);
    expect([...actual.keys()]).toEqual([...expected.keys()]);
    for (const [name, want] of expected) expectClose(actual.get(name)!, want, name);
  }
  return { imported, optimized };
}

function expectClose(actual: SourceTensor, expected: SourceTensor, name: string): void {
  expect(actual.shape, name).toEqual(expected.shape);
  let largest = 1;
  let error = 0;
  expected.data.forEach((v, i) => {
    largest = Math.max(largest, Math.abs(v));
    // NaN must not pass: it compares false with everything.
    const difference = Math.abs(actual.data[i]! - v);
    error = difference <= error ? error : difference;
  });
  expect(error / largest, name).toBeLessThan(1e-4);
}

export function kinds(graph: Graph): string[] {
  return graph.nodes.map((n) => n.op.kind);
}

/** What importing the model fails with, without class and stack. */
export async function importError(
  spec: ModelSpec | Uint8Array,
  options: Partial<ImportOptions> = {},
): Promise<Diagnostic & { readonly kind: ErrorKind }> {
  const bytes = spec instanceof Uint8Array ? spec : encodeModel(buildModel(spec));
  try {
    await importModel(bytes, { path: 'net.onnx', ...options });
  } catch (error) {
    if (!(error instanceof NeonarrowError)) throw error;
    const { kind, code, message, place, hint, details } = error;
    return JSON.parse(JSON.stringify({ kind, code, message, place, hint, details }));
  }
  throw new Error('the model was accepted');
}
