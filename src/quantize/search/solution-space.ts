import { must } from '../../core/must.ts';
import { inputsOf } from '../../graph/build.ts';
import type { Graph } from '../../graph/types.ts';
import { definitionOf } from '../../ops/index.ts';
import { singleSegment } from '../../proof/segments.ts';
import { signedRange } from '../steps/clipping.ts';
import { isReduction } from '../steps/groups.ts';
import { mostProducts, worstCaseWeightBits } from '../weights/analysis.ts';

/** Bits of data and weights of one layer. */
export interface WidthPair {
  readonly dataBits: number;
  readonly weightBits: number;
}

/** The widths that the hardware takes. */
const DATA_BITS = [8, 7, 6, 5, 4, 3, 2];
const LEAST_WEIGHT_BITS = 2;

/**
 * The paper's solution space (arXiv:2004.11783): the pairs of widths with which a sum of `products` products fits an accumulator of
 * `accBits` bits whatever data and weights are, and which fully use it: neither width can grow while the other stays. What is left out
 * is dominated: another pair has no fewer bits of either.
 * @returns widest data first; none where even 2-bit data and weights do not fit
 */
export function solutionSpace(accBits: number, products: number): WidthPair[] {
  const feasible = DATA_BITS.flatMap((dataBits) => {
    const { qmin, qmax } = signedRange(dataBits);
    const weightBits = worstCaseWeightBits(accBits, { lo: qmin, hi: qmax }, products);
    return weightBits < LEAST_WEIGHT_BITS ? [] : [{ dataBits, weightBits }];
  });
  // From wide data to narrow: a pair is worth trying where its weights are wider than those of all before it.
  return feasible.filter(({ weightBits }, i) => feasible.slice(0, i).every((wider) => wider.weightBits < weightBits));
}

/** The solution space of a layer with weights. */
export interface LayerSolutions {
  /** The ONNX node. */
  readonly name: string;
  /** Products that one accumulator sums, at most. */
  readonly products: number;
  readonly widths: readonly WidthPair[];
}

/** @param lanes 1: the whole dot product in one accumulator; 8: shared by NEON lanes, without flushes */
export function layerSolutions(graph: Graph, accBits: number, lanes: 1 | 8): LayerSolutions[] {
  return graph.nodes.filter(isReduction).map((node) => {
    const reduction = must(definitionOf(node).reduction, node.id)(node, inputsOf(graph, node));
    const products = mostProducts(singleSegment(reduction, accBits, lanes), reduction.length);
    return { name: node.origin.name, products, widths: solutionSpace(accBits, products) };
  });
}
