import { grouped } from '../../core/format.ts';
import { must } from '../../core/must.ts';
import { isKind, outputOf, tensorOf } from '../../graph/build.ts';
import { singleNodeGraph } from '../../graph/part.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Conv2dOp, Graph, Node, NodeId, TensorId } from '../../graph/types.ts';
import { runNodeExactly } from '../../interpret/run-node.ts';
import { winogradTransforms } from '../../numeric/winograd.ts';
import { quantOf } from '../../ops/quantized.ts';
import type { InstructionCount } from '../search/request.ts';
import { type WinogradForm, type WinogradName, winogradForms } from './plan.ts';

/** How a layer is computed, and why: for the report. */
export interface WinogradDecision {
  readonly form: WinogradName | 'direct';
  readonly reason: string;
}

export type WinogradDecisions = ReadonlyMap<NodeId, WinogradDecision>;

/** Float outputs of layers on the first samples, each in its tensor's own order. */
export interface Wanted {
  readonly count: number;
  readonly values: ReadonlyMap<TensorId, Float32Array>;
}

/**
 * Noise that a layer's output may have, with all that the network before it adds: 2^−5 (15 dB), or twice that of the layer as it
 * is. In All-CNN-C the four layers as F(4×4) have 15.9 to 22.5 dB (direct: 17.8 to 29.2), and the network loses 0.1 points
 * (docs/winograd.md).
 */
const ACCEPTABLE_NOISE = 2 ** -5;
const ACCEPTABLE_FACTOR = 2;
/** Forms that do not save more than the transforms cost are not worth trying. */
export const MOST_PRODUCTS = 0.8;

/** Multiplications that are left of the direct convolution's; whole tiles count. */
export function productShare(graph: Graph, node: Node, { tile }: WinogradForm): number {
  const [, height, width] = outputOf(graph, node).shape as [number, number, number];
  const tiles = Math.ceil(height / tile) * Math.ceil(width / tile);
  return (tiles * winogradTransforms(tile).size ** 2) / (height * width * 9);
}

/** A form of the layer that was tried. */
interface Candidate {
  readonly name: WinogradName;
  readonly share: number;
}

/** Cheapest first: fewest products; of equals the one without rounding, whose transform is cheaper. */
function candidatesOf(graph: Graph, node: Node): Candidate[] {
  const order: readonly WinogradName[] = ['f4', 'f2-exact', 'f2'];
  return order
    .map((name) => ({ name, share: productShare(graph, node, winogradForms[name]) }))
    .filter(({ share }) => share <= MOST_PRODUCTS)
    .sort((a, b) => a.share - b.share);
}

/**
 * Takes the cheapest form whose output is near enough to the float network's.
 * @param graph with the layer direct
 * @param transform the graph with the layer in that form; undefined where it has none on these data
 * @param instructionsOf predicts them, for the reason that is given
 * @returns the graph with the layer as decided
 */
export async function decide(
  graph: Graph,
  node: Node<Conv2dOp>,
  wanted: Wanted,
  inputs: ReadonlyMap<TensorId, Int8Array>,
  transform: (name: WinogradName) => Promise<Graph | undefined>,
  instructionsOf: InstructionCount | undefined,
): Promise<{ readonly graph: Graph; readonly decision: WinogradDecision }> {
  const x = node.inputs[0]!;
  const size = sizeOf(tensorOf(graph, x).shape);
  const values = new Map([[x, must(inputs.get(x), x).subarray(0, wanted.count * size)]]);
  const noiseOf = (of: Graph) => relativeNoise(of, node.id, wanted, values);
  const direct = await noiseOf(graph);
  const limit = Math.max(ACCEPTABLE_NOISE, ACCEPTABLE_FACTOR * direct);
  const measured = (of: Graph, noise: number) => `${decibels(noise)}${costText(of, node.id, instructionsOf)}`;
  const compared = `at least ${decibels(limit)} are wanted, direct has ${measured(graph, direct)}`;
  const rejected: string[] = [];
  for (const { name, share } of candidatesOf(graph, node)) {
    const transformed = await transform(name);
    if (transformed === undefined) continue;
    const noise = await noiseOf(transformed);
    if (noise > limit) {
      rejected.push(`${labelOf(name)} has ${measured(transformed, noise)}`);
      continue;
    }
    const saved = `${Math.round(100 * share)} % of the products`;
    const reason = [`${saved}, ${measured(transformed, noise)}`, ...rejected, compared].join('; ');
    return { graph: transformed, decision: { form: name, reason } };
  }
  const none = rejected.length === 0 ? ['no form saves enough on its size'] : rejected;
  return { graph, decision: { form: 'direct', reason: [...none, compared].join('; ') } };
}

/** What a layer is predicted to cost in that graph, with the comma in front of it; nothing where nobody predicts it. */
export function costText(graph: Graph, id: NodeId, instructionsOf: InstructionCount | undefined): string {
  const node = graph.nodes.find((n) => n.id === id);
  if (node === undefined || instructionsOf === undefined) return '';
  return `, ${grouped(Math.round(instructionsOf(singleNodeGraph(graph, node))))} instructions`;
}

const labels: Readonly<Record<WinogradName, string>> = { f4: 'F(4×4)', f2: 'F(2×2)', 'f2-exact': 'F(2×2) exact' };

export function labelOf(name: WinogradName): string {
  return labels[name];
}

/** Signal to noise. */
export function decibels(noise: number): string {
  return `${(-10 * Math.log10(Math.max(noise, 1e-12))).toFixed(1)} dB`;
}

/** Σ (ŷ − y)² / Σ y² of the layer's output, rounded to its steps. */
export async function relativeNoise(
  graph: Graph,
  id: NodeId,
  { count, values }: Wanted,
  inputs: ReadonlyMap<TensorId, Int8Array>,
): Promise<number> {
  const node = must(
    graph.nodes.find((n) => n.id === id && (isKind(n, 'winograd') || isKind(n, 'conv2d'))),
    id,
  );
  const output = outputOf(graph, node);
  const got = await runNodeExactly(graph, node, inputs, count);
  const wanted = must(values.get(output.id), `float values of ${output.id}`);
  const { step, zeroPoint } = quantOf(output);
  let [error, power] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    error += (step * (got[i]! - zeroPoint) - wanted[i]!) ** 2;
    power += wanted[i]! ** 2;
  }
  return power === 0 ? 0 : error / power;
}
