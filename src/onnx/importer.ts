import { invariant, reject, unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import type { GraphBuilder } from '../graph/build.ts';
import type { Node, Op, Origin, QuantParams, Shape, Tensor, TensorData, TensorId } from '../graph/types.ts';
import { mismatch, placeOf } from '../ops/errors.ts';
import { definitionOf } from '../ops/index.ts';
import type { Constant, Importer, SourceNode } from '../ops/source.ts';
import { attributesOf } from './attributes.ts';
import type { FoldedTensor } from './folded-tensor.ts';
import type { IntegerValue } from './integer-values.ts';
import type { ModelNode } from './model.ts';

/** What is known about the values of the ONNX graph while it is imported, by ONNX name. */
export interface Values {
  readonly constants: Map<string, FoldedTensor>;
  /** Activations. */
  readonly tensors: Map<string, TensorId>;
  /** Those activations that hold integers in the file. */
  readonly integers: Map<string, IntegerValue>;
  /** How often a value is read, graph outputs included. */
  readonly uses: ReadonlyMap<string, number>;
}

/**
 * The view that one ONNX node's parser has of the graph that grows.
 * @param origin the node of the file, where `node` is only a part of it
 */
export function importerFor(
  node: ModelNode,
  opset: number,
  builder: GraphBuilder,
  values: Values,
  origin: Origin = { name: node.name, opType: node.opType },
): Importer {
  const source: SourceNode = { ...node, opset, attributes: attributesOf(node) };
  const nameOf = (index: number): string => node.inputs[index] ?? '';
  const has = (index: number): boolean => nameOf(index) !== '';
  const present = (index: number): string => {
    if (!has(index)) throw mismatch(origin, `input ${index} is missing`);
    return nameOf(index);
  };
  const addConstant = (base: string, shape: Shape, data: TensorData, quant?: QuantParams): TensorId => {
    checkFinite(node, values, data);
    return builder.constant(base, shape, data, quant === undefined ? {} : { quant });
  };
  return {
    node: source,
    has,
    isConstant: (index) => values.constants.has(nameOf(index)),
    usesOutput: (index) => (values.uses.get(node.outputs[index] ?? '') ?? 0) > 0,
    input(index) {
      const name = present(index);
      const constant = values.constants.get(name);
      const id =
        constant === undefined
          ? values.tensors.get(name)
          : addConstant(name, constant.shape, constant.data, constant.quant);
      return must(builder.tensors.get(must(id, `value ${name}`)), `tensor ${name}`);
    },
    constant(index) {
      const name = present(index);
      const constant = values.constants.get(name);
      if (constant !== undefined) return { id: name, ...constant } satisfies Constant;
      throw unsupported({
        code: 'unsupported-operator',
        message: `its input ${index} ("${name}") is computed at run time`,
        place: placeOf(origin),
        hint: 'It must be a constant.',
      });
    },
    emit: (op, inputs) => emit(builder, op, inputs, origin, node.outputs[0] ?? node.name),
    addConstant,
    bind(tensor, index = 0) {
      values.tensors.set(must(node.outputs[index], `output ${index} of ${node.name}`), tensor.id);
    },
    refuse: (message, hint) => unsupported({ code: 'unsupported-operator', message, place: placeOf(origin), hint }),
    invalid: (message) => mismatch(origin, message),
  };
}

function emit(builder: GraphBuilder, op: Op, inputs: readonly TensorId[], origin: Origin, base: string): Tensor {
  const tensors = inputs.map((id) => must(builder.tensors.get(id), `tensor ${id}`));
  const draft: Node = { id: '', op, inputs, outputs: [], origin };
  const shape = definitionOf(draft).infer(draft, tensors);
  if (shape.some((d) => !Number.isInteger(d) || d < 1)) throw invariant(`shape ${shape.join('×')}`, placeOf(origin));
  // The ONNX value's name goes to what computes it; the views around that are cancelled by the passes.
  const isView = op.kind === 'reshape' || op.kind === 'transpose';
  const tensor: Tensor = { id: builder.freshId(isView ? `${base}.view` : base), shape, dtype: 'float32' };
  builder.addTensor(tensor);
  builder.addNode(op, inputs, [tensor.id], origin);
  return tensor;
}

/** Weights must be finite; the message names the file's own tensor. */
function checkFinite(node: ModelNode, values: Values, data: TensorData): void {
  const bad = (d: TensorData): number => d.findIndex((v) => !Number.isFinite(v));
  if (bad(data) < 0) return;
  const culprit = node.inputs.find((name) => bad(values.constants.get(name)?.data ?? new Float32Array()) >= 0);
  const source = values.constants.get(culprit ?? '')?.data ?? data;
  const index = bad(source);
  throw reject({
    code: 'non-finite-weights',
    message: `${culprit === undefined ? 'a computed constant' : `tensor "${culprit}"`} holds ${source[index]} at index ${index}`,
    place: placeOf(node),
    hint: 'The training has diverged or the export went wrong; use a checkpoint with finite weights.',
  });
}
