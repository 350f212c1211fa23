import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { sizeOf } from '../graph/shape.ts';
import type { QuantParams, Shape } from '../graph/types.ts';
import { placeOf } from '../ops/errors.ts';
import { attributesOf } from './attributes.ts';
import type { FoldedTensor } from './folded-tensor.ts';
import type { ModelNode, SourceTensor } from './model.ts';
import { foldQonnx, isQonnx } from './qonnx.ts';
import { runModel } from './run.ts';

/**
 * Evaluates a node whose inputs are all constants, on ONNX Runtime: shape arithmetic needs no code here.
 * @param inputs one for each input of the node; undefined where it is omitted
 * @returns its outputs by name
 * @throws reject `cannot-fold` where ONNX Runtime refuses the node
 */
export async function foldNode(
  node: ModelNode,
  opsets: ReadonlyMap<string, number>,
  inputs: readonly (FoldedTensor | undefined)[],
): Promise<Map<string, FoldedTensor>> {
  if (node.opType === 'Constant') return new Map([[must(node.outputs[0], 'output'), constantOf(node)]]);
  if (isQonnx(node)) return new Map([[must(node.outputs[0], 'output'), foldQonnx(node, inputs)]]);
  if (node.opType === 'DequantizeLinear') {
    const values = dequantize(node, inputs);
    if (values !== undefined) return new Map([[must(node.outputs[0], 'output'), values]]);
  }
  const outputs = await evaluate(node, opsets, inputs);
  if (node.opType === 'Clip') return withBounds(outputs, inputs);
  const quant = carriedQuant(node, inputs[0], [...outputs.values()][0]?.shape ?? []);
  if (quant === undefined) return outputs;
  return new Map([...outputs].map(([name, t]) => [name, { ...t, quant }]));
}

function withBounds(
  outputs: ReadonlyMap<string, FoldedTensor>,
  [x, least, most]: readonly (FoldedTensor | undefined)[],
): Map<string, FoldedTensor> {
  const [lo, hi] = x === undefined || !isRanged(x.dtype) ? [] : ranges[x.dtype];
  if (lo === undefined || hi === undefined) return new Map(outputs);
  const bounds = [Math.max(lo, least?.data[0] ?? lo), Math.min(hi, most?.data[0] ?? hi)] as const;
  return new Map([...outputs].map(([name, t]) => [name, { ...t, bounds }]));
}

async function evaluate(
  node: ModelNode,
  opsets: ReadonlyMap<string, number>,
  inputs: readonly (FoldedTensor | undefined)[],
): Promise<Map<string, FoldedTensor>> {
  const initializers = new Map<string, SourceTensor>();
  node.inputs.forEach((name, i) => {
    if (name !== '') initializers.set(name, must(inputs[i], `constant ${name}`));
  });
  const outputs = node.outputs.filter((name) => name !== '');
  const model = {
    graphName: 'fold',
    producer: 'neonarrow',
    opsets,
    metadata: new Map<string, string>(),
    inputs: [],
    outputs: outputs.map((name) => ({ name, dtype: undefined, elementType: '', shape: undefined })),
    initializers,
    nodes: [node],
  };
  try {
    return await runModel(model);
  } catch (error) {
    throw cannotFold(node, error);
  }
}

function cannotFold(node: ModelNode, cause: unknown): NeonarrowError {
  return reject(
    {
      code: 'cannot-fold',
      message: 'this node has constant inputs, but cannot be evaluated',
      place: placeOf(node),
      hint: 'Check the model with onnx.checker, or simplify it with onnx-simplifier first.',
      details: [cause instanceof Error ? cause.message : String(cause)],
    },
    cause,
  );
}

/** A Constant node in all its forms. */
function constantOf(node: ModelNode): SourceTensor {
  const { attributes } = node;
  const value = attributes.get('value');
  if (value?.type === 'tensor') return value.value;
  const typed = attributesOf(node);
  if (attributes.has('value_float')) {
    return { shape: [], dtype: 'float32', data: Float32Array.of(typed.float('value_float')) };
  }
  if (attributes.has('value_int')) return { shape: [], dtype: 'int64', data: Float64Array.of(typed.int('value_int')) };
  if (attributes.has('value_floats')) {
    const data = Float32Array.from(typed.floats('value_floats'));
    return { shape: [data.length], dtype: 'float32', data };
  }
  const data = Float64Array.from(typed.ints('value_ints'));
  return { shape: [data.length], dtype: 'int64', data };
}

/** The value of Shape (whole, or from `start` to `end`) and of Size, for an input of known shape. */
export function foldShape(node: ModelNode, shape: Shape): SourceTensor {
  if (node.opType === 'Size') return { shape: [], dtype: 'int64', data: Float64Array.of(sizeOf(shape)) };
  const attributes = attributesOf(node);
  const dims = shape.slice(attributes.int('start', 0), attributes.int('end', shape.length));
  return { shape: [dims.length], dtype: 'int64', data: Float64Array.from(dims) };
}

const ranges = { int8: [-128, 127], uint8: [0, 255], int32: [-(2 ** 31), 2 ** 31 - 1] } as const;

function isRanged(dtype: string): dtype is keyof typeof ranges {
  return Object.hasOwn(ranges, dtype);
}

/** (q − zero point) · scale in float32, remembering the grid; undefined for forms without one grid a channel. */
function dequantize(node: ModelNode, inputs: readonly (FoldedTensor | undefined)[]): FoldedTensor | undefined {
  const [q, scale, zero] = inputs;
  if (q === undefined || scale === undefined || !isRanged(q.dtype)) return undefined;
  const zeroPoint = zero?.data[0] ?? 0;
  if (zero?.data.some((z) => z !== zeroPoint) || attributesOf(node).int('block_size', 0) !== 0) return undefined;
  const given = attributesOf(node).int('axis', 1);
  const axis = given < 0 ? given + q.shape.length : given;
  const perChannel = scale.data.length > 1;
  if (perChannel && scale.data.length !== q.shape[axis]) return undefined;
  const inner = sizeOf(q.shape.slice(axis + 1));
  const data = Float32Array.from(q.data, (v, i) => {
    const s = scale.data[perChannel ? Math.floor(i / inner) % scale.data.length : 0]!;
    return Math.fround(v - zeroPoint) * s;
  });
  const [qmin, qmax] = q.bounds ?? ranges[q.dtype];
  const quant = { scale: Array.from(scale.data), zeroPoint, qmin, qmax, ...(perChannel ? { axis } : {}) };
  return { shape: q.shape, dtype: 'float32', data, quant };
}

/** What is left of the grid after a node that only moves values. */
function carriedQuant(node: ModelNode, input: FoldedTensor | undefined, shape: Shape): QuantParams | undefined {
  const quant = input?.quant;
  if (quant === undefined) return undefined;
  switch (node.opType) {
    case 'Identity':
      return quant;
    case 'Transpose': {
      if (quant.axis === undefined) return quant;
      const perm = attributesOf(node).ints('perm', shape.map((_, i) => i).toReversed());
      return { ...quant, axis: perm.indexOf(quant.axis) };
    }
    case 'Reshape':
    case 'Flatten':
    case 'Squeeze':
    case 'Unsqueeze':
      return quant.axis === undefined || (quant.axis === 0 && shape[0] === input?.shape[0]) ? quant : undefined;
    default:
      return undefined;
  }
}
