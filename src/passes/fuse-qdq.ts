import { unsupported } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { GraphBuilder, inputsOf, isKind, outputOf, tensorOf } from '../graph/build.ts';
import type { Graph, Node, Op, QuantParams, Tensor, TensorId } from '../graph/types.ts';
import type { QdqMetadata } from '../onnx/metadata.ts';
import { indexGrid } from '../ops/arg-max.ts';
import { placeOf } from '../ops/errors.ts';
import { canAddInFloat32, canPoolInFloat32 } from '../ops/float32.ts';
import { definitionOf } from '../ops/index.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { isSoftmaxGrid } from '../ops/softmax.ts';
import { certify, isReductionNode, type ReductionNode, totalRanges } from '../quantize/certify.ts';
import { checkQuantized, sameQuant, scaleProblem } from '../quantize/check.ts';
import { gridOfConstant } from '../quantize/constant-grid.ts';
import { movesValues } from '../quantize/groups.ts';
import { withExactBias } from './exact-bias.ts';
import {
  type AccumulatorDefaults,
  biasOf,
  defaultInteger,
  kernelAccumulator,
  NotInteger,
  weightsOf,
  withRoomForBias,
} from './fuse-layer.ts';
import { type Grids, gridsOf } from './grids.ts';
import { onlyLeaves, provenGrid, quantizeInputs } from './open-ports.ts';
import { applyMetadata } from './qdq-metadata.ts';

export interface FuseOptions extends AccumulatorDefaults {
  /** What the file says about its layers, where neonarrow wrote it. */
  readonly metadata?: QdqMetadata | undefined;
  /** The file, for messages about its metadata. */
  readonly place: string;
  /** Least and greatest real input, for inputs that the network does not round itself. */
  readonly inputRange?: readonly [number, number] | undefined;
}

/** The output of a softmax in fixed point. */
const SOFTMAX: QuantParams = { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 };

/** What the nodes of the graph grow. */
interface Fusion {
  readonly graph: Graph;
  readonly grids: Grids;
  readonly builder: GraphBuilder;
  readonly options: AccumulatorDefaults;
  /** Operators without weights give ONNX Runtime's integers, where they can. */
  readonly inFloat32: boolean;
}

/**
 * Turns a float graph with `fakeQuant` nodes into a quantized graph with the integers, zero points and scales of the
 * file.
 *
 * Requires: the passes for float graphs have run. Guarantees: the graph is legal (quantize/check.ts), every accumulator is
 * certified, no `fakeQuant` is left.
 * @throws unsupported `not-quantized`, listing every node that cannot become integer and why; reject `bad-metadata`; what
 *   `certify` throws
 */
export function fuseQdq(given: Graph, options: FuseOptions): Graph {
  const graph = withInputGrids(given, options.inputRange);
  const grids = gridsOf(graph);
  const { metadata } = options;
  const steps = metadata === undefined ? options.requant : metadata.elementwise;
  const fusion: Fusion = { graph, grids, builder: startOf(graph, grids), options, inFloat32: steps === 'float32' };
  const problems = grids.conflicts.map(({ node, reason }) => problem(node, reason));
  for (const p of graph.inputs)
    if (!grids.quants.has(p.tensor)) problems.push(`input "${p.name}": it is not quantized`);
  for (const node of graph.nodes) {
    try {
      fuseNode(fusion, node);
    } catch (error) {
      if (!(error instanceof NotInteger)) throw error;
      problems.push(problem(node, error.message));
    }
  }
  if (problems.length > 0) throw notQuantized(problems);
  const fused = fusion.builder.build();
  const layered = metadata === undefined ? fused : applyMetadata(fused, metadata, options.place);
  const named = fusion.inFloat32 ? inFloat32(layered) : layered;
  checkQuantized(named);
  certify(named);
  return named;
}

/** The graph whose operators without weights give ONNX Runtime's integers, where they can. */
function inFloat32(graph: Graph): Graph {
  const able = (node: Node): boolean => {
    const [inputs, output] = [inputsOf(graph, node), outputOf(graph, node)];
    if (isKind(node, 'add')) return node.op.subtract !== true && canAddInFloat32(inputs, output);
    return (
      isKind(node, 'mul') ||
      isKind(node, 'softmax') ||
      (isKind(node, 'averagePool') && canPoolInFloat32(node.op, inputs[0]!, output))
    );
  };
  const nodes = graph.nodes.map((n) => (able(n) ? { ...n, op: { ...n.op, requant: 'float32' } as Op } : n));
  return { ...graph, nodes };
}

/** The inputs that no `fakeQuant` says a grid of, not even behind what moves them. */
export function openInputs(graph: Graph): TensorId[] {
  const { quants } = gridsOf(graph);
  return graph.inputs.map((p) => p.tensor).filter((id) => !quants.has(id));
}

function withInputGrids(graph: Graph, range: FuseOptions['inputRange']): Graph {
  const open = range === undefined ? [] : openInputs(graph);
  return range === undefined || open.length === 0 ? graph : quantizeInputs(graph, open, range);
}

/** The graph's ports, on the tensors that hold the integers, and no nodes. */
function startOf(graph: Graph, { source, quants }: Grids): GraphBuilder {
  const outputs = graph.outputs.map((p) => ({ ...p, tensor: source(p.tensor) }));
  const builder = GraphBuilder.rebuild({ ...graph, outputs });
  for (const [id, quant] of quants) setQuant(builder, id, quant);
  return builder;
}

function setQuant(builder: GraphBuilder, id: TensorId, quant: QuantParams): void {
  builder.tensors.set(id, { ...must(builder.tensors.get(id), `tensor ${id}`), dtype: 'int8', quant });
}

function problem(node: Node, reason: string): string {
  return `${placeOf(node.origin)}: ${reason}`;
}

function notQuantized(details: readonly string[]) {
  const count = details.length === 1 ? 'One part' : `${details.length} parts`;
  return unsupported({
    code: 'not-quantized',
    message: `${count} of the network cannot be computed in integers.`,
    details,
    hint: 'Every operator needs QuantizeLinear and DequantizeLinear around it; or quantize the float model with neonarrow.',
  });
}

function fuseNode(fusion: Fusion, node: Node): void {
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

/** The integers that an input stands for. */
function quantizedInput({ graph, grids, builder }: Fusion, id: TensorId): Tensor & { readonly quant: QuantParams } {
  const tensor = must(builder.tensors.get(grids.source(id)), `tensor ${id}`);
  if (tensorOf(graph, id).data !== undefined) throw new NotInteger('one of its operands is a constant');
  if (tensor.quant === undefined) throw new NotInteger('its input is not quantized');
  return { ...tensor, quant: tensor.quant };
}

/** The integers behind a constant operand, on a grid of its own where the file has none; undefined where the input is no constant. */
function quantizedConstant({ graph, builder }: Fusion, id: TensorId): TensorId | undefined {
  const { data, quant, shape } = tensorOf(graph, id);
  if (data === undefined) return undefined;
  if (quant === undefined || quant.axis !== undefined) {
    const own = gridOfConstant(data);
    const steps = Int8Array.from(data, (v) => quantizeValue(v, own));
    return builder.constant(id, shape, steps, { quant: own });
  }
  const half = quant.qmin >= 0 ? 128 : 0;
  if (quant.qmax - half > 127) throw new NotInteger('its constant operand exceeds int8');
  const zeroPoint = quant.zeroPoint - half;
  const signed = { scale: quant.scale, zeroPoint, qmin: quant.qmin - half, qmax: quant.qmax - half };
  return builder.constant(
    id,
    shape,
    Int8Array.from(data, (v) => quantizeValue(v, signed)),
    { quant: signed },
  );
}

function quantizedOutput({ grids }: Fusion, node: Node): QuantParams {
  const quant = grids.quants.get(node.outputs[0]!);
  if (quant === undefined) throw new NotInteger('its output is not quantized');
  return quant;
}

function fuseLayer(fusion: Fusion, node: ReductionNode): void {
  const { graph, builder, options } = fusion;
  const [wId, bId] = [node.inputs[1]!, node.inputs[2]!];
  const x = quantizedInput(fusion, node.inputs[0]!);
  const [output] = node.outputs as [TensorId];
  if (!onlyLeaves(graph, output)) quantizedOutput(fusion, node);
  const [w, b] = [tensorOf(graph, wId), tensorOf(graph, bId)];
  const reduction = must(definitionOf(node).reduction, 'reduction')(node, [x, w, b]);
  const given = withRoomForBias(weightsOf(w), w, b, x.quant.scale[0]!);
  const accumulator = kernelAccumulator(reduction, given.data, x.quant, options);
  const { data, quant } = withExactBias(given, b, x.quant, accumulator, reduction);
  const bias = biasOf(b, x.quant.scale[0]!, quant.scale);
  const weights = builder.constant(w.id, w.shape, data, { quant });
  const inputs = [x.id, weights, builder.constant(b.id, b.shape, bias)];
  if (!fusion.grids.quants.has(output)) {
    const ranges = totalRanges({ reduction, weights: { data }, bias: { data: bias }, x: x.quant });
    const steps = quant.scale.map((s) => s * x.quant.scale[0]!);
    setQuant(builder, output, provenGrid(ranges, steps, node.op.clamp));
  }
  const integer = defaultInteger(reduction, data, x.quant, options);
  builder.nodes.push({ ...node, op: { ...node.op, integer }, inputs });
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

/** A table between two grids. */
function requantize(fusion: Fusion, { origin }: Node, from: TensorId, to: TensorId): void {
  const { builder, grids } = fusion;
  const input = must(builder.tensors.get(grids.source(from)), `tensor ${from}`).id;
  builder.addNode({ kind: 'unary', fn: { name: 'identity' } }, [input], [to], origin);
}
