import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf, tensorOf } from '../graph/build.ts';
import type { Graph, Node, QuantParams, Tensor } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import { isSoftmaxGrid } from '../ops/softmax.ts';
import { isIntegerNode } from '../proof/certify.ts';
import { movesValues } from './steps/groups.ts';

/**
 * Checks that a graph is a legal quantized graph, the contract between the quantizer and everything below:
 * - every activation is int8 with one positive float32 scale and −128 ≤ qmin ≤ zeroPoint ≤ qmax ≤ 127;
 * - operators that only move values have one quantization for inputs and output; softmax gives 1/256, −128;
 * - layers with weights hold int8 weights with a scale for each output channel (axis 0), an int32 bias, and `integer`.
 * @throws invariant naming the tensor or node
 */
export function checkQuantized(graph: Graph): void {
  for (const p of graph.inputs) checkActivation(tensorOf(graph, p.tensor));
  for (const node of graph.nodes) {
    if (node.op.kind === 'fakeQuant' || node.op.kind === 'affine') {
      throw invariant(`a ${node.op.kind} in a quantized graph`, node.id);
    }
    for (const id of node.outputs) checkActivation(tensorOf(graph, id));
    if (isIntegerNode(node)) checkLayer(graph, node);
    else checkOperands(graph, node);
  }
}

function checkActivation(tensor: Tensor): void {
  const { quant } = tensor;
  if (tensor.dtype !== 'int8' || quant === undefined) throw invariant('an activation without quantization', tensor.id);
  const { scale, zeroPoint, qmin, qmax } = quant;
  if (scale.length !== 1 || quant.axis !== undefined) throw invariant('an activation with several scales', tensor.id);
  checkScales(quant, tensor.id);
  const ordered = -128 <= qmin && qmin <= zeroPoint && zeroPoint <= qmax && qmax <= 127 && qmin < qmax;
  if (!ordered) throw invariant(`an activation in [${qmin}, ${qmax}] with zero point ${zeroPoint}`, tensor.id);
}

function checkScales({ scale }: QuantParams, place: string): void {
  if (scale.some((s) => !(s > 0) || !Number.isFinite(s) || s !== Math.fround(s))) {
    throw invariant('a scale that is no positive float32', place);
  }
}

function checkLayer(graph: Graph, node: Node): void {
  const [x, w, b, ...more] = inputsOf(graph, node);
  if (x === undefined || w === undefined || b === undefined || more.length > 0) {
    throw invariant('a layer takes x, weights and bias', node.id);
  }
  checkActivation(x);
  const channels = w.shape[0]!;
  const { quant } = w;
  const rows = node.op.kind === 'winograd' ? node.op.input.multiplier.length : 1;
  if (!(w.data instanceof Int8Array) || quant?.axis !== 0 || quant.scale.length !== channels || quant.zeroPoint !== 0) {
    throw invariant('weights that are not int8 with a scale for each output channel', w.id);
  }
  checkScales(quant, w.id);
  if (w.data.some((q) => q < quant.qmin || q > quant.qmax)) throw invariant('weights outside their own range', w.id);
  if (!(b.data instanceof Int32Array) || b.data.length * rows !== channels)
    throw invariant('a bias that is not int32', b.id);
  if (!isIntegerNode(node) || node.op.integer === undefined) throw invariant('a layer without accumulator', node.id);
}

function checkOperands(graph: Graph, node: Node): void {
  const inputs = inputsOf(graph, node);
  for (const input of inputs) checkActivation(input);
  const output = outputOf(graph, node);
  if (movesValues(node) && inputs.some((t) => !sameQuant(t.quant, output.quant))) {
    throw invariant('an operator that moves values between two quantizations', node.id);
  }
  if (node.op.kind === 'softmax' && !isSoftmaxGrid(must(output.quant, output.id), node.op.requant)) {
    throw invariant('a softmax whose output is not in steps of 1/256 from −128', node.id);
  }
  if (node.op.kind === 'argMax' && (output.quant?.scale[0] !== 1 || output.quant.zeroPoint !== -128)) {
    throw invariant('an index that is not in steps of 1 from −128', node.id);
  }
}

/** True where both mean the same real values. */
export function sameQuant(a: QuantParams | undefined, b: QuantParams | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const sameScales = a.scale.length === b.scale.length && a.scale.every((s, i) => s === b.scale[i]);
  return sameScales && a.zeroPoint === b.zeroPoint && a.qmin === b.qmin && a.qmax === b.qmax && a.axis === b.axis;
}

/** Largest ratio of the steps of inputs to the output's that the fixed-point factors of operators without weights take. */
const largestRatio = 2 ** 13;

/** Why an operator without weights cannot compute in fixed point with these scales; undefined where it can. */
export function scaleProblem({ op }: Node, inputs: readonly Tensor[], output: Tensor): string | undefined {
  if (op.kind !== 'add' && op.kind !== 'mul' && op.kind !== 'prelu' && op.kind !== 'lrn') return undefined;
  const steps = inputs.map((t) => quantOf(t).step);
  const step = op.kind === 'mul' ? steps.reduce((a, b) => a * b, 1) : Math.max(...steps);
  const slope = op.kind === 'prelu' ? Math.max(1, ...op.slopes.map(Math.abs)) : 1;
  if ((step * slope) / quantOf(output).step < largestRatio) return undefined;
  return 'its output is too small beside its inputs: a step of theirs is more than all of its range';
}
