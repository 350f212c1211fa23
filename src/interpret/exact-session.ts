import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf, tensorOf } from '../graph/build.ts';
import { permuteShape, sizeOf } from '../graph/shape.ts';
import type { Graph, Node, Shape, Tensor, TensorId } from '../graph/types.ts';
import { createModelBuilder, type ModelBuilder } from '../onnx/build-model.ts';
import type { SourceModel } from '../onnx/model.ts';
import { definitionOf } from '../ops/index.ts';
import { quantOf } from '../ops/quantized.ts';
import { storedPermutation } from '../ops/stored.ts';
import { copyFromStored, copyToStored } from './order.ts';
import { createRunner, type RunnerOptions } from './runner.ts';

/**
 * The fast exact evaluator (DESIGN §5): a quantized graph on ONNX Runtime, bit-equal to `reference.ts` (tests assert it).
 */
export interface ExactEvaluator {
  /**
   * @param inputs `count` samples of each graph input in its tensor's own order (channels last), within [qmin, qmax]
   * @returns the requested activations in their tensors' own order, sample after sample
   */
  run(inputs: ReadonlyMap<TensorId, Int8Array>, count: number): Promise<Map<TensorId, Int8Array>>;
  /** Frees the session; the evaluator can't be used afterwards. */
  release(): Promise<void>;
}

/**
 * A quantized graph in one session of ONNX Runtime. Activations are float32 tensors of `q − zeroPoint`; see `ops/exact-*.ts` for why sums
 * and requantization are exact.
 * @param wanted the tensors that `run` returns
 * @throws invariant where the graph is not quantized, or an operator of it has no exact form
 */
export async function createExactSession(
  graph: Graph,
  wanted: readonly TensorId[],
  options: RunnerOptions,
): Promise<ExactEvaluator> {
  const { model, inputs, outputs } = buildExactModel(graph, wanted);
  const runner = await createRunner(graph, model, outputs, options);
  const tensors = wanted.map((id) => tensorOf(graph, id));
  return {
    async run(values, count) {
      const results = tensors.map((t) => new Int8Array(count * sizeOf(t.shape)));
      await runner.run(
        count,
        (i, from, to) => storedInput(inputs[i]!, must(values.get(inputs[i]!.id), 'input'), count, from, to),
        (i, from, stored) => {
          const { shape } = tensors[i]!;
          copyFromStored(stored, shape, results[i]!, from * sizeOf(shape), quantOf(tensors[i]!).zeroPoint);
        },
      );
      return new Map(tensors.map((t, i) => [t.id, results[i]!]));
    },
    release: runner.release,
  };
}

function storedInput(tensor: Tensor, values: Int8Array, count: number, from: number, to: number): Float32Array {
  const size = sizeOf(tensor.shape);
  if (values.length !== count * size) throw invariant(`${values.length} values for ${count} samples of ${size}`);
  const stored = new Float32Array((to - from) * size);
  copyToStored(values.subarray(from * size, to * size), tensor.shape, stored, -quantOf(tensor).zeroPoint);
  return stored;
}

/** The ONNX model behind the evaluator, of one sample: one input a tensor of `inputs`, one output a wanted tensor. */
export function buildExactModel(
  graph: Graph,
  wanted: readonly TensorId[],
): { readonly model: SourceModel; readonly inputs: readonly Tensor[]; readonly outputs: readonly string[] } {
  const inputs = [...new Set(graph.inputs.map((p) => p.tensor))].map((id) => tensorOf(graph, id));
  const outputs = wanted.map((_, i) => `output${i}`);
  const inputNames = inputs.map((_, i) => `input${i}`);
  const builder = createModelBuilder(graph.name, [...inputNames, ...outputs]);
  inputs.forEach((t, i) => {
    builder.bind(t, builder.input(inputNames[i]!, storedShape(t.shape)));
  });
  for (const node of graph.nodes) writeNode(builder, graph, node);
  builder.scope('');
  wanted.forEach((id, i) => {
    const tensor = tensorOf(graph, id);
    builder.output(outputs[i]!, builder.value(tensor), storedShape(tensor.shape));
  });
  return { model: builder.build(), inputs, outputs };
}

function writeNode(builder: ModelBuilder, graph: Graph, node: Node): void {
  const exact = definitionOf(node).exact;
  if (exact === undefined) throw invariant(`${node.op.kind} has no exact form`, node.origin.name);
  builder.scope(node.origin.name);
  const inputs = inputsOf(graph, node);
  const hasWeights = definitionOf(node).reduction !== undefined;
  // Constant operands (not weights) are activations that never change.
  for (const t of inputs) if (t.data !== undefined && !hasWeights && !builder.isBound(t)) bindConstant(builder, t);
  exact(node, { writer: builder, inputs, output: outputOf(graph, node) });
}

function bindConstant(builder: ModelBuilder, tensor: Tensor): void {
  const data = must(tensor.data, tensor.id);
  const stored = new Float32Array(data.length);
  copyToStored(data, tensor.shape, stored, -quantOf(tensor).zeroPoint);
  builder.bind(tensor, builder.constant(tensor.id, storedShape(tensor.shape), stored));
}

/** Dimensions in the written graph. */
export function storedShape(shape: Shape): Shape {
  return shape.length === 4 ? permuteShape(shape, storedPermutation) : shape;
}
