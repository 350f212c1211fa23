import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import type { Node, QuantParams, TensorId } from '../graph/types.ts';
import { indexGrid } from '../ops/arg-max.ts';
import { definitionOf } from '../ops/index.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { isSoftmaxGrid } from '../ops/softmax.ts';
import type { SumRange } from '../proof/accumulator.ts';
import { isReductionNode, type ReductionNode, totalRanges } from '../proof/certify.ts';
import { sameQuant, scaleProblem } from '../quantize/check.ts';
import { movesValues } from '../quantize/steps/groups.ts';
import { biasOf, defaultInteger, type IntegerBias, NotInteger, weightsOf, withRoomForBias } from './fuse-layer.ts';
import { type Fusion, quantizedConstant, quantizedInput, quantizedOutput, requantize, setQuant } from './fusion.ts';
import { onlyLeaves, provenGrid } from './open-ports.ts';

/** The output of a softmax in fixed point. */
const SOFTMAX: QuantParams = { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 };

/**
 * Adds what a node of the float graph becomes in integers.
 * @throws NotInteger with the reason
 */
export function fuseNode(fusion: Fusion, node: Node): void {
  const { builder, grids } = fusion;
  if (node.op.kind === 'fakeQuant') {
    if (grids.requantizations.has(node)) requantize(fusion, node, node.inputs[0]!, node.outputs[0]!);
    return;
  }
  if (node.op.kind === 'affine') throw new NotInteger('it could not be folded into a layer with weights');
  if (isReductionNode(node)) fuseLayer(fusion, node);
  else if (movesValues(node)) fuseMover(fusion, node);
  else if (node.op.kind === 'softmax') fuseSoftmax(fusion, node);
  else if (node.op.kind === 'argMax') fuseArgMax(fusion, node);
  else {
    const inputs = node.inputs.map((id) => quantizedConstant(fusion, id) ?? quantizedInput(fusion, id).id);
    const quant = quantizedOutput(fusion, node);
    const tensors = inputs.map((id) => must(builder.tensors.get(id), id));
    const problem = scaleProblem(node, tensors, { ...tensorOf(fusion.graph, node.outputs[0]!), quant });
    if (problem !== undefined) throw new NotInteger(problem);
    builder.nodes.push({ ...node, inputs });
  }
}

function fuseLayer(fusion: Fusion, node: ReductionNode): void {
  const { graph, builder, options } = fusion;
  const [wId, bId] = [node.inputs[1]!, node.inputs[2]!];
  const x = quantizedInput(fusion, node.inputs[0]!);
  const [output] = node.outputs as [TensorId];
  if (!onlyLeaves(graph, output)) quantizedOutput(fusion, node);
  const [w, b] = [tensorOf(graph, wId), tensorOf(graph, bId)];
  const reduction = must(definitionOf(node).reduction, 'reduction')(node, [x, w, b]);
  const { data, quant } = withRoomForBias(weightsOf(w), w, b, x.quant.scale[0]!);
  const bias = biasOf(b, x.quant.scale[0]!, quant.scale);
  const weights = builder.constant(w.id, w.shape, data, { quant });
  const inputs = [x.id, weights, builder.constant(b.id, b.shape, bias.data)];
  if (!fusion.grids.quants.has(output)) {
    const ranges = totalRanges({ reduction, weights: { data }, bias, x: x.quant });
    const steps = quant.scale.map((s) => s * x.quant.scale[0]!);
    setQuant(builder, output, provenGrid(withRemainders(ranges, bias), steps, node.op.clamp));
  }
  const integer = {
    ...defaultInteger(reduction, data, x.quant, options),
    ...(options.requant === 'float32' && bias.remainders && { biasRemainders: bias.remainders }),
  };
  builder.nodes.push({ ...node, op: { ...node.op, integer }, inputs });
}

function withRemainders(ranges: readonly SumRange[], { remainders }: IntegerBias): readonly SumRange[] {
  if (remainders === undefined) return ranges;
  return ranges.map(({ lo, hi }, o) => ({ lo: lo + remainders[o]!, hi: hi + remainders[o]! }));
}

/** Where inputs and output are on different grids, tables take the inputs to that of the output. */
function fuseMover(fusion: Fusion, node: Node): void {
  const { graph, grids, builder } = fusion;
  const output = node.outputs[0]!;
  const moved = node.inputs.filter((id) => tensorOf(graph, id).data === undefined);
  const quant = grids.quants.get(output) ?? builder.tensors.get(output)?.quant ?? sharedQuant(fusion, moved);
  setQuant(builder, output, quant);
  const inputs = node.inputs.map((id) => {
    const { data, shape } = tensorOf(graph, id);
    if (data !== undefined)
      return builder.constant(
        id,
        shape,
        Int8Array.from(data, (v) => quantizeValue(v, quant)),
        { quant },
      );
    const input = quantizedInput(fusion, id);
    if (sameQuant(input.quant, quant)) return input.id;
    const fresh = builder.addTensor({ ...input, id: builder.freshId(`${input.id}.requantized`), quant });
    requantize(fusion, node, id, fresh);
    return fresh;
  });
  builder.nodes.push({ ...node, inputs });
}

function sharedQuant(fusion: Fusion, ids: readonly TensorId[]): QuantParams {
  const quants = ids.map((id) => quantizedInput(fusion, id).quant);
  const [quant] = quants;
  if (quant === undefined || quants.some((q) => !sameQuant(q, quant))) {
    throw new NotInteger('its inputs have different scales, and its output none');
  }
  return quant;
}

function fuseSoftmax(fusion: Fusion, node: Node): void {
  const { graph, grids, builder } = fusion;
  const output = node.outputs[0]!;
  const inputs = [quantizedInput(fusion, node.inputs[0]!).id];
  const quant = grids.quants.get(output) ?? SOFTMAX;
  if (isSoftmaxGrid(quant, fusion.inFloat32 ? 'float32' : undefined)) {
    setQuant(builder, output, quant);
    builder.nodes.push({ ...node, inputs });
    return;
  }
  const { shape } = tensorOf(graph, output);
  const fresh = builder.addTensor({ id: builder.freshId(`${output}.softmax`), shape, dtype: 'int8', quant: SOFTMAX });
  builder.nodes.push({ ...node, inputs, outputs: [fresh] });
  requantize(fusion, node, fresh, output);
}

/** Indices have a grid of their own, whether the file rounds them or not. */
function fuseArgMax(fusion: Fusion, node: Node): void {
  const output = node.outputs[0]!;
  const quant = fusion.grids.quants.get(output) ?? indexGrid;
  if (quant.scale[0] !== 1 || quant.zeroPoint !== -128)
    throw new NotInteger('its indices are on a grid of other numbers');
  setQuant(fusion.builder, output, quant);
  fusion.builder.nodes.push({ ...node, inputs: [quantizedInput(fusion, node.inputs[0]!).id] });
}
