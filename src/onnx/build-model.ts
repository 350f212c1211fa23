import { must } from '../core/must.ts';
import { dtypeOf } from '../graph/build.ts';
import { permuteShape, transposeData } from '../graph/shape.ts';
import type { DType, Shape, Tensor, TensorData, TensorId } from '../graph/types.ts';
import type { OnnxAttribute, OnnxWriter } from '../ops/onnx-writer.ts';
import { storedPermutation } from '../ops/stored.ts';
import type { AttributeValue, ModelNode, SourceModel, SourceTensor, ValueInfo } from './model.ts';

/** The opset of every file that neonarrow writes. */
export const writtenOpset = 17;

/** Grows an ONNX model node by node. */
export interface ModelBuilder extends OnnxWriter {
  /** Adds an input of the model; values are stored as given. Call before any node is written. */
  input(name: string, dims: Shape, dtype?: DType): string;
  /** Makes a value an output of the model, under that name. */
  output(name: string, value: string, dims: Shape, dtype?: DType): void;
  /** True where the tensor has a value already. */
  isBound(tensor: Tensor): boolean;
  /** The nodes written from now on are named after `origin`, e.g. the node of the source model. */
  scope(origin: string): void;
  metadata(key: string, value: string): void;
  build(): SourceModel;
}

/** Constants up to this length are written once, however often they are asked for. */
const sharedLength = 16;

/**
 * @param graphName the ONNX graph's name
 * @param reserved names of the model's inputs and outputs: nothing else gets them
 */
export function createModelBuilder(graphName: string, reserved: readonly string[] = []): ModelBuilder {
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const nodes: ModelNode[] = [];
  const initializers = new Map<string, SourceTensor>();
  const metadata = new Map<string, string>();
  const values = new Map<TensorId, string>();
  const shared = new Map<string, string>();
  const names = new Set(reserved);
  let scope = '';

  const fresh = (base: string): string => {
    let name = base;
    for (let i = 1; names.has(name); i++) name = `${base}.${i}`;
    names.add(name);
    return name;
  };
  const constant = (base: string, dims: Shape, data: TensorData, dtype = dtypeOf(data)): string => {
    const key = data.length > sharedLength ? undefined : `${base} ${dtype} ${dims.join('x')} ${data.join(' ')}`;
    const known = key === undefined ? undefined : shared.get(key);
    if (known !== undefined) return known;
    const name = fresh(base);
    initializers.set(name, { shape: dims, dtype, data });
    if (key !== undefined) shared.set(key, name);
    return name;
  };
  const addNode = (
    opType: string,
    given: readonly string[],
    output: string,
    attributes: ModelNode['attributes'],
  ): void => {
    const name = fresh(scope === '' ? `${opType}_${nodes.length}` : `${scope}/${opType}`);
    nodes.push({ name, opType, domain: '', inputs: given, outputs: [output], attributes });
  };
  return {
    value(tensor) {
      const known = values.get(tensor.id);
      if (known !== undefined) return known;
      const name = writeConstant(tensor, constant);
      values.set(tensor.id, name);
      return name;
    },
    constant,
    node(opType, given, attributes = {}) {
      const output = fresh(scope === '' ? opType : `${scope}.${opType}`);
      addNode(opType, given, output, new Map(Object.entries(attributes).map(([k, v]) => [k, toAttribute(v)])));
      return output;
    },
    bind: (tensor, name) => void values.set(tensor.id, name),
    isBound: (tensor) => values.has(tensor.id),
    input(name, dims, dtype = 'float32') {
      inputs.push({ name, dtype, elementType: dtype, shape: dims });
      names.add(name);
      return name;
    },
    output(name, value, dims, dtype = 'float32') {
      outputs.push({ name, dtype, elementType: dtype, shape: dims });
      if (name !== value) addNode('Identity', [value], name, new Map());
    },
    scope: (origin) => {
      scope = origin;
    },
    metadata: (key, value) => void metadata.set(key, value),
    build: () => ({
      graphName,
      producer: 'neonarrow',
      opsets: new Map([['', writtenOpset]]),
      metadata,
      inputs,
      outputs,
      initializers,
      nodes: withoutIdentities(nodes, new Set(inputs.map((i) => i.name)), outputs),
    }),
  };
}

/** Rank 4 goes from the tensor's order to the stored one. */
function writeConstant(tensor: Tensor, constant: OnnxWriter['constant']): string {
  const data = must(tensor.data, `value of tensor ${tensor.id}`);
  if (tensor.shape.length !== 4) return constant(tensor.id, tensor.shape, data, tensor.dtype);
  const stored = transposeData(data, tensor.shape, storedPermutation, data.slice());
  return constant(tensor.id, permuteShape(tensor.shape, storedPermutation), stored, tensor.dtype);
}

function toAttribute(value: OnnxAttribute): AttributeValue {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  if ('float' in value) return { type: 'float', value: value.float };
  return { type: 'ints', value };
}

/** Gives an output's name to the node that computes it, where the Identity in between only renames. */
function withoutIdentities(
  nodes: readonly ModelNode[],
  inputs: ReadonlySet<string>,
  outputs: readonly ValueInfo[],
): ModelNode[] {
  const isOutput = new Set(outputs.map((o) => o.name));
  const renamed = new Map<string, string>();
  const kept = nodes.filter((n) => {
    const [from, to] = [n.inputs[0]!, n.outputs[0]!];
    const renames = n.opType === 'Identity' && isOutput.has(to) && !isOutput.has(from);
    const produced = nodes.some((p) => p.outputs.includes(from)) && !inputs.has(from);
    if (!renames || !produced || renamed.has(from)) return true;
    renamed.set(from, to);
    return false;
  });
  const rename = (name: string): string => renamed.get(name) ?? name;
  return kept.map((n) => ({ ...n, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) }));
}
