import { must } from '../core/must.ts';
import { inputsOf, isKind, tensorOf } from '../graph/build.ts';
import type { Graph, IntegerReduction, Node, Shape, Tensor } from '../graph/types.ts';
import type { Packed } from '../kernels/kernel.ts';
import { definitionOf } from '../ops/index.ts';
import { dataWidth, quantOf } from '../ops/quantized.ts';
import type { LayerStep, Step } from '../plan/plan.ts';
import { type SumRange, utilizationOf, widest } from '../proof/accumulator.ts';

/** `1x28x28x1`: ASCII, unlike messages. */
export function asciiShape(shape: Shape): string {
  return shape.length === 0 ? 'scalar' : shape.join('x');
}

/** Bits of the widest integer weight, two's complement. */
export function weightBits(weights: Tensor): number {
  let [least, greatest] = [0, 0];
  for (const w of must(weights.data, `data of ${weights.id}`)) {
    least = Math.min(least, w);
    greatest = Math.max(greatest, w);
  }
  let bits = 1;
  while (least < -(2 ** (bits - 1)) || greatest > 2 ** (bits - 1) - 1) bits++;
  return bits;
}

/** A number as the shortest C literal that reads back as the same double, or float. */
export function floatText(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** A scale is a float32: the shortest text that reads back as it. */
export function float32Text(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return floatText(short);
  }
  return floatText(value);
}

/** What is known of a sum: for the layer's comment, the header, the manifest and the report. */
export interface ReductionSummary {
  readonly macs: number;
  readonly weightBits: number;
  readonly weightShape: Shape;
  readonly accumulatorBits: number;
  readonly lanes: number;
  readonly segments: readonly number[];
  readonly mode: IntegerReduction['mode'];
  /** The widest (lane, segment) sum over all channels; absent where nothing narrow is accumulated. */
  readonly worst?: SumRange;
  /** The range's extent over the accumulator's, of the widest channel: 1 is full. */
  readonly utilization?: number;
  /** The widest 16-bit sum in which lanes of 8 bits are added up when they are flushed; absent where lanes are wider. */
  readonly flushed?: SumRange;
}

export function reductionSummary(graph: Graph, node: Node, packed: Packed): ReductionSummary | undefined {
  if (!isKind(node, 'conv2d') && !isKind(node, 'winograd') && !isKind(node, 'fullyConnected')) return undefined;
  const { integer } = node.op;
  if (integer === undefined) return undefined;
  const weights = tensorOf(graph, must(node.inputs[1], 'weights'));
  const model = packed.proof?.model ?? integer.accumulator;
  const worst = packed.proof && widest(packed.proof.worst);
  const flushed = packed.proof?.flushed && widest(packed.proof.flushed);
  return {
    macs: must(definitionOf(node).reduction, 'reduction')(node, inputsOf(graph, node)).macs,
    weightBits: weightBits(weights),
    weightShape: weights.shape,
    accumulatorBits: model.bits,
    lanes: model.lanes,
    segments: model.segments,
    mode: integer.mode,
    ...(worst && { worst, utilization: utilizationOf(worst, model.bits) }),
    ...(flushed && { flushed }),
  };
}

/** `1x28x28x1, 8 bits, scale 0.0123, zero point -128`; `5 steps (3 bits)` where they are not all that the bits have. */
export function describeTensor(tensor: Tensor): string {
  const quant = quantOf(tensor);
  const { step, zeroPoint } = quant;
  const { bits, steps } = dataWidth(quant);
  const width = steps === undefined ? `${bits} bits` : `${steps} steps (${bits} bits)`;
  return `${asciiShape(tensor.shape)}, ${width}, scale ${float32Text(step)}, zero point ${zeroPoint}`;
}

/** `16-bit, 8 lanes, 2 segments, within -31000..31900 (96.0 % of the range), proven` */
export function describeSums(r: ReductionSummary): string {
  const segments = r.segments.length === 1 ? 'one segment' : `${r.segments.length} segments`;
  const lanes = r.lanes === 1 ? 'one accumulator' : `${r.lanes} lanes`;
  const range = r.worst === undefined ? '' : `, within ${r.worst.lo}..${r.worst.hi}`;
  const used = r.utilization === undefined ? '' : ` (${(100 * r.utilization).toFixed(1)} % of the range)`;
  const second = r.flushed === undefined ? '' : `, flushed in 16 bits within ${r.flushed.lo}..${r.flushed.hi}`;
  return `${r.accumulatorBits}-bit, ${lanes}, ${segments}${range}${used}${second}, ${r.mode}`;
}

/** The lines of a layer's comment, with their labels. */
export function layerFacts(graph: Graph, step: LayerStep, packed: Packed): [string, string][] {
  const { node, kernel, inputs, output } = step;
  const facts: [string, string][] = inputs.map(({ tensor }) => ['reads', describeTensor(tensorOf(graph, tensor))]);
  const sums = reductionSummary(graph, node, packed);
  if (sums) facts.push(['weights', `${asciiShape(sums.weightShape)}, ${sums.weightBits} bits`]);
  facts.push(['writes', describeTensor(tensorOf(graph, output.tensor))]);
  facts.push(['kernel', `${kernel.name}: ${kernel.summary}`]);
  if (sums) facts.push(['sums', describeSums(sums)], ['MACs', String(sums.macs)]);
  return facts;
}

/** The same of a copy. */
export function copyFacts(graph: Graph, step: Step): [string, string][] {
  return [['copies', describeTensor(tensorOf(graph, step.output.tensor))]];
}
