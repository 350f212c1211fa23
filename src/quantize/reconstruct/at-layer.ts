import { must } from '../../core/must.ts';
import { consumersOf, inputsOf, isKind, outputOf, tensorOf } from '../../graph/build.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Clamp, Graph, NodeId, Tensor, TensorId } from '../../graph/types.ts';
import type { Products } from '../../interpret/products.ts';
import { largestMagnitude, quantOf } from '../../ops/quantized.ts';
import type { ReductionNode } from '../../proof/certify.ts';
import { accumulatorOfProduct } from '../../proof/segments.ts';
import { gridScale, type ScaleGrid } from '../steps/clipping.ts';
import type { Technique } from '../techniques.ts';
import { correctedBiases } from '../weights/bias.ts';
import { meanOf } from '../weights/correct.ts';
import type { FittedLayer } from '../weights/layer.ts';
import { type LayerMethod, type Reconstruction, reconstructLayer } from './layer.ts';
import { LONGEST, type PatchSource, patchSource } from './patches.ts';
import { realSums, type Targets } from './targets.ts';

export interface NetworkInput {
  /** The same network, node for node. */
  readonly float: Graph;
  readonly quantized: Graph;
  /** Of the quantized graph's layers: where to start from, with the bounds to keep. */
  readonly fitted: ReadonlyMap<NodeId, FittedLayer>;
  readonly grid: ScaleGrid;
  readonly techniques: ReadonlySet<Technique>;
  /** Samples of the inputs, each in its tensor's own order. */
  readonly samples: {
    readonly count: number;
    readonly real: ReadonlyMap<TensorId, Float32Array>;
    readonly quantized: ReadonlyMap<TensorId, Int8Array>;
  };
}

/** Both networks' activations of all samples, as long as a later node reads them. */
export interface State {
  readonly graph: Graph;
  readonly real: Map<TensorId, Float32Array>;
  readonly quantized: Map<TensorId, Int8Array>;
}

/** What is new about a layer: its biases, real, and where they were fitted, its weights. */
export type NewLayer = { readonly bias: ArrayLike<number> } & Partial<Omit<Reconstruction, 'bias'>>;

/** A layer, and what both networks are up to it. */
export interface Place {
  readonly input: NetworkInput;
  readonly state: State;
  readonly floatNode: ReductionNode;
  readonly node: ReductionNode;
}

/** Positions that a layer is fitted on: as many as make its second moments some seconds' work. */
const MOST_POSITIONS = 2 ** 16;
const MOMENT_PRODUCTS = 1.5e11;

/**
 * The share of the errors before a layer that it makes up for. With all of it the layer's own error is least, yet what least squares
 * makes of noisy operands is drawn to the means, in all of a feature alike, and does not average out on the way to the outputs
 * as rounding does. Measured: docs/quantization.md.
 */
const MADE_UP = 0.6;

/** The layer's integers, fitted to what it reads by now. */
export async function reconstructAt(place: Place, products: Products): Promise<NewLayer> {
  const { input, state, floatNode, node } = place;
  const [x, w] = inputsOf(state.graph, node) as [Tensor, Tensor];
  const length = sizeOf(w.shape.slice(1));
  const [, weights, realBias] = inputsOf(input.float, floatNode).map((t) => t.data) as [
    undefined,
    Float32Array,
    Float32Array,
  ];
  if (length > LONGEST) return { bias: input.techniques.has('bias') ? meanBias(place) : realBias };
  const fitted = must(input.fitted.get(node.id), `weights of ${node.id}`);
  const shapes = { x: x.shape, w: w.shape, y: outputOf(state.graph, node).shape };
  const source = patchSource(node, shapes, input.samples.count, positionsFor(length));
  const values = must(state.quantized.get(x.id), x.id);
  const { step, ...quant } = quantOf(x);
  const madeUp = input.techniques.has('whole-error') ? MADE_UP : 0;
  const aim = aimedAt(must(state.real.get(x.id), x.id), values, quantOf(x), madeUp);
  return reconstructLayer(
    {
      operands: {
        length,
        groups: source.groups,
        step,
        largest: largestMagnitude(quant),
        rows: (group) => source.read(values, quant.zeroPoint, group, 0, source.chosen.length),
      },
      targets: targetsAt(place, source, await realSums(source, aim, weights, realBias, products)),
      weights,
      fitted,
      snap: (scale, channel) => snapped(scale, fitted.leastScale[channel]!, input.grid),
      method: methodOf(input.techniques),
      accumulators: accumulatorOfProduct(fitted.model, length),
      ...(input.techniques.has('bias') ? {} : { fixedBias: realBias }),
    },
    products,
  );
}

function positionsFor(length: number): number {
  return Math.min(MOST_POSITIONS, Math.floor(MOMENT_PRODUCTS / length ** 2));
}

/** The nearest scale of the grid, by their ratio. */
export function snapped(scale: number, least: number, grid: ScaleGrid): number {
  return Math.max(gridScale(least, grid), grid === 'float32' ? Math.fround(scale) : 2 ** Math.round(Math.log2(scale)));
}

export function methodOf(techniques: ReadonlySet<Technique>): LayerMethod {
  return {
    descent: techniques.has('descent'),
    feedback: techniques.has('feedback'),
    clampRounds: techniques.has('clamps') ? 1 : 0,
  };
}

/** What the layer's real weights would have to read to give what it aims at: that share of the real values, the rest quantized. */
function aimedAt(
  real: Float32Array,
  values: Int8Array,
  { step, zeroPoint }: { step: number; zeroPoint: number },
  madeUp: number,
): Float32Array {
  const aim = new Float32Array(real.length);
  for (let i = 0; i < aim.length; i++) {
    aim[i] = madeUp * real[i]! + (1 - madeUp) * Math.fround(step * (values[i]! - zeroPoint));
  }
  return aim;
}

/**
 * A layer whose output goes to an addition only aims at the sum there: it makes up for the error of the other operand, too,
 * where that is known by now.
 */
function targetsAt({ input, state, floatNode, node }: Place, source: PatchSource, own: Float32Array): Targets {
  const { graph } = state;
  const y = outputOf(graph, node);
  const open = { sums: own, lo: -Infinity, hi: Infinity };
  const readers = consumersOf(graph, y.id);
  const [add] = readers;
  if (readers.length !== 1 || add === undefined || !isKind(add, 'add') || floatNode.op.clamp !== undefined) {
    return { sums: own, ...boundsBehind(y, floatNode.op.clamp) };
  }
  const other = add.inputs.find((id) => id !== y.id);
  const values = other === undefined ? undefined : state.quantized.get(other);
  if (other === undefined || values === undefined || !input.techniques.has('whole-error')) return open;
  const real = must(state.real.get(other), other);
  const { step, zeroPoint } = quantOf(tensorOf(graph, other));
  const channels = y.shape.at(-1)!;
  const [sums, offset] = [new Float32Array(own.length), new Float32Array(own.length)];
  for (let i = 0; i < own.length; i++) {
    const at = source.chosen[Math.floor(i / channels)]! * channels + (i % channels);
    offset[i] = step * (values[at]! - zeroPoint);
    sums[i] = own[i]! + real[at]!;
  }
  return { sums, offset, ...boundsBehind(outputOf(graph, add), add.op.clamp) };
}

/** Where a sum is cut off, by a clamp or by the range of the integers. */
function boundsBehind(output: Tensor, clamp: Clamp | undefined): { lo: number; hi: number } {
  const { step, zeroPoint, qmin, qmax } = quantOf(output);
  const { lo, hi } = clamp ?? { lo: -Infinity, hi: Infinity };
  return { lo: Math.max(lo, step * (qmin - zeroPoint)), hi: Math.min(hi, step * (qmax - zeroPoint)) };
}

/** The bias that corrects the mean error of weights as they are. */
function meanBias({ input, state, floatNode, node }: Place): Float64Array {
  const x = inputsOf(state.graph, node)[0] as Tensor;
  const size = sizeOf(x.shape);
  return correctedBiases(
    { graph: input.float, node: floatNode, mean: meanOf(must(state.real.get(x.id), x.id), size) },
    { graph: state.graph, node, mean: meanOf(must(state.quantized.get(x.id), x.id), size) },
  );
}
