import { inputsOf, outputOf, tensorOf } from '../../graph/build.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { ChannelCarries, Graph, Node, TensorId } from '../../graph/types.ts';
import { CARRY_BLOCK, carriesFit, MOST_CARRY_SHIFT } from '../../ops/carries.ts';
import { upperFactor } from '../reconstruct/cholesky.ts';

/** Of the mean of the diagonal: keeps weights finite where some directions are not read at all. */
const RIDGE = 0.01;

/**
 * What channels of x take over from the errors of those before them, so that errors lie where the layers that read x look least. Errors e of
 * a pixel make eᵀ·G·e of squared error in their sums, G the products of the channels' real weights, all outputs and taps added up. With
 * G = V·Vᵀ, V upper triangular, term k of |eᵀ·V|² holds e₀ to e_k: rounding x_k + Σ_{j<k} V_jk / V_kk · (error of j) makes each term as
 * small as it can be. It is GPTQ's order of rounding, of data in place of weights.
 * @param readers layers that read x, in a float graph, channels last
 * @returns undefined where nothing is carried, or would take more multiplications than the layers have
 */
export function channelCarries(graph: Graph, x: TensorId, readers: readonly Node[]): ChannelCarries | undefined {
  const shape = tensorOf(graph, x).shape;
  const channels = shape.at(-1)!;
  const carried = (sizeOf(shape) * channels) / 2;
  if (carried > readers.reduce((sum, node) => sum + macsOf(graph, node), 0)) return undefined;
  const gram = new Float64Array(channels * channels);
  for (const node of readers)
    addProducts(gram, channels, inputsOf(graph, node)[1]!.data as Float32Array, groupsOf(node));
  return integersOf(carriesOf(gram, channels), channels);
}

function macsOf(graph: Graph, node: Node): number {
  const [, w] = inputsOf(graph, node);
  const y = outputOf(graph, node);
  return (sizeOf(y.shape) * sizeOf(w!.shape)) / w!.shape[0]!;
}

function groupsOf({ op }: Node): number {
  return op.kind === 'conv2d' ? op.groups : 1;
}

/** Adds the products of each two channels' weights, of all outputs and taps, above the diagonal. Weights: outputs × taps × channels of a group. */
function addProducts(gram: Float64Array, channels: number, weights: Float32Array, groups: number): void {
  const width = channels / groups;
  const rowsOfGroup = weights.length / width / groups;
  for (let row = 0; row * width < weights.length; row++) {
    const [w, first] = [row * width, Math.floor(row / rowsOfGroup) * width];
    for (let i = 0; i < width; i++) {
      const at = (first + i) * channels + first;
      for (let j = i; j < width; j++) gram[at + j]! += weights[w + i]! * weights[w + j]!;
    }
  }
}

/** C × C: in row c what c takes from the errors of channels whose blocks come before its own. */
function carriesOf(gram: Float64Array, channels: number): Float64Array {
  let trace = 0;
  for (let c = 0; c < channels; c++) trace += gram[c * channels + c]!;
  const v = upperFactor(gram, channels, (RIDGE * trace) / channels);
  return v.map((_, i) => {
    const [c, j] = [Math.floor(i / channels), i % channels];
    return j < c - (c % CARRY_BLOCK) ? v[j * channels + c]! / v[c * channels + c]! : 0;
  });
}

/** In int8, as fine as 16-bit sums allow; undefined where all are 0. */
function integersOf(carries: Float64Array, channels: number): ChannelCarries | undefined {
  if (carries.every((v) => v === 0)) return undefined;
  for (let shift = MOST_CARRY_SHIFT; shift > 0; shift--) {
    const scaled = carries.map((v) => Math.round(v * 2 ** shift));
    const weights = Int8Array.from(scaled);
    if (scaled.every((v, i) => v === weights[i]) && carriesFit(weights, channels)) return { shift, weights };
  }
  return undefined;
}
