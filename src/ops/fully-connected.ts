import { must } from '../core/must.ts';
import { formatShape, sizeOf, transposeData } from '../graph/shape.ts';
import type { FullyConnectedOp, Node, QuantParams, Shape, Tensor, TensorData, TensorId } from '../graph/types.ts';
import { requantize, toOutput } from '../numeric/requantize.ts';
import { emitClamp } from './clamp.ts';
import type { ExactIo, FloatIo, IntegerIo, OpDefinition, Reduction } from './definition.ts';
import { mismatch } from './errors.ts';
import { emitRequantized, spreadChannels } from './exact-requantize.ts';
import { emitExactSum } from './exact-sum.ts';
import { channelDims } from './onnx-writer.ts';
import { integerClamp, quantOf, reductionRequantizer } from './quantized.ts';
import type { Constant, Importer } from './source.ts';

/** ONNX Gemm with constant weights: alpha goes into the weights, beta into the bias. */
function parseGemm(im: Importer): void {
  const { attributes } = im.node;
  const alpha = attributes.float('alpha', 1);
  const a = im.input(0);
  if (a.shape.length !== 2) throw im.invalid(`Gemm takes matrices, not ${formatShape(a.shape)}`);
  const x = attributes.int('transA', 0) === 0 ? a : im.emit({ kind: 'transpose', perm: [1, 0] }, [a.id]);
  const weights = outputMajor(im, im.constant(1), attributes.int('transB', 0) !== 0);
  const scaled = alpha === 1 ? weights : { ...weights, data: weights.data.map((v) => v * alpha), quant: undefined };
  const bias = parseBias(im, weights.shape[0]!, attributes.float('beta', 1));
  im.bind(emitFullyConnected(im, x, scaled, bias));
}

/** ONNX MatMul by a constant matrix: leading axes of x become rows. */
function parseMatMul(im: Importer): void {
  if (im.isConstant(0)) {
    throw im.refuse('a constant as the left operand', 'Transpose the product: x·W with the constant on the right.');
  }
  const x = im.input(0);
  const weights = outputMajor(im, im.constant(1), false);
  const [channels, length] = weights.shape as [number, number];
  if (x.shape.at(-1) !== length) {
    throw im.invalid(`a matrix of ${length}×${channels} does not fit an input of ${formatShape(x.shape)}`);
  }
  const bias = im.addConstant(`${im.node.name}.bias`, [channels], new Float32Array(channels));
  if (x.shape.length === 2) {
    im.bind(emitFullyConnected(im, x, weights, bias));
    return;
  }
  const rows = im.emit({ kind: 'reshape', shape: [sizeOf(x.shape) / length, length] }, [x.id]);
  const y = emitFullyConnected(im, rows, weights, bias);
  im.bind(im.emit({ kind: 'reshape', shape: [...x.shape.slice(0, -1), channels] }, [y.id]));
}

interface Weights {
  readonly shape: Shape;
  readonly data: TensorData;
  readonly quant: QuantParams | undefined;
}

/** The matrix as O×K. */
function outputMajor(im: Importer, w: Constant, transposed: boolean): Weights {
  if (w.shape.length !== 2) {
    throw im.refuse(
      `weights of ${formatShape(w.shape)}`,
      'Only a product with a constant matrix (rank 2) is supported.',
    );
  }
  const axis = w.quant?.axis;
  if (transposed) return { shape: w.shape, data: w.data, quant: axis === 1 ? undefined : w.quant };
  const data = transposeData(w.data, w.shape, [1, 0], w.data.slice());
  const quant = axis === undefined ? w.quant : axis === 1 ? { ...must(w.quant, 'quant'), axis: 0 } : undefined;
  return { shape: [w.shape[1]!, w.shape[0]!], data, quant };
}

function emitFullyConnected(im: Importer, x: Tensor, weights: Weights, bias: TensorId): Tensor {
  const w = im.addConstant(`${im.node.name}.weight`, weights.shape, weights.data, weights.quant);
  return im.emit({ kind: 'fullyConnected' }, [x.id, w, bias]);
}

/** Gemm's C: one value, or one for each column. */
function parseBias(im: Importer, channels: number, beta: number): TensorId {
  const name = `${im.node.name}.bias`;
  if (!im.has(2)) return im.addConstant(name, [channels], new Float32Array(channels));
  const c = im.constant(2);
  const perColumn = c.data.length === channels && (channels === 1 || c.shape.at(-1) === channels);
  if (c.data.length !== 1 && !perColumn) {
    throw im.refuse(`a C of ${formatShape(c.shape)}`, `Give C one value for each of the ${channels} columns.`);
  }
  const bias = Float32Array.from({ length: channels }, (_, o) => c.data[perColumn ? o : 0]! * beta);
  return im.addConstant(name, [channels], bias, perColumn && beta === 1 ? c.quant : undefined);
}

function infer(node: Node<FullyConnectedOp>, inputs: readonly Tensor[]): Shape {
  const [x, w] = inputs as [Tensor, Tensor];
  if (x.shape.length !== 2 || x.shape[1] !== w.shape[1]) {
    throw mismatch(node.origin, `a matrix of ${formatShape(w.shape)} does not fit an input of ${formatShape(x.shape)}`);
  }
  return [x.shape[0]!, w.shape[0]!];
}

function float(node: Node<FullyConnectedOp>, io: FloatIo): void {
  const inputs = io.inputs.map((t) => io.writer.value(t));
  const y = io.writer.node('Gemm', inputs, { transB: 1 });
  io.writer.bind(io.output, emitClamp(io.writer, y, node.op.clamp));
}

/** As conv2d: `b[o] + Σ (x − zp_x)·w`, requantized, plus the output's zero point, clamped. */
function integer(node: Node<FullyConnectedOp>, io: IntegerIo): Int8Array {
  const [xt, wt] = io.inputs as [Tensor, Tensor];
  const [x, w, b] = io.values as [Int8Array, Int8Array, Int32Array];
  const [channels, length] = wt.shape as [number, number];
  const requantizer = reductionRequantizer(node, io.inputs, io.output);
  const { lo, hi, zeroPoint } = integerClamp(io.output, node.op.clamp);
  const zeroIn = quantOf(xt).zeroPoint;
  return Int8Array.from({ length: sizeOf(io.output.shape) }, (_, i) => {
    const o = i % channels;
    const row = Math.floor(i / channels) * length;
    let acc = b[o]!;
    for (let k = 0; k < length; k++) acc += (x[row + k]! - zeroIn) * w[o * length + k]!;
    return toOutput(requantize(requantizer, acc, o), zeroPoint, lo, hi);
  });
}

function exact(node: Node<FullyConnectedOp>, io: ExactIo): void {
  const { writer, output } = io;
  const [x, w, b] = io.inputs as [Tensor, Tensor, Tensor];
  const channels = w.shape[0]!;
  const dims = channelDims(channels, 2);
  const sum = emitExactSum(writer, {
    weights: w.data as Int8Array,
    bias: b.data as Int32Array,
    input: quantOf(x),
    channelDims: dims,
    emit: (weights, bias) => {
      const operands = [writer.value(x), writer.constant('weights', w.shape, weights)];
      if (bias !== undefined) operands.push(writer.constant('bias', [channels], bias));
      return writer.node('Gemm', operands, { transB: 1 });
    },
  });
  const requantizer = reductionRequantizer(node, io.inputs, output);
  const clamp = integerClamp(output, node.op.clamp);
  writer.bind(output, emitRequantized(writer, sum, requantizer, spreadChannels(dims, channels), clamp));
}

function reduction(_node: Node<FullyConnectedOp>, inputs: readonly Tensor[]): Reduction {
  const [x, w] = inputs as [Tensor, Tensor];
  const [channels, length] = w.shape as [number, number];
  return { channels, length, runLength: length, depthwise: false, macs: x.shape[0]! * channels * length };
}

export const fullyConnected: OpDefinition<FullyConnectedOp> = {
  kind: 'fullyConnected',
  parsers: { Gemm: parseGemm, MatMul: parseMatMul },
  infer,
  float,
  integer,
  exact,
  reduction,
};
