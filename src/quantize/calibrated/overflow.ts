import { must } from '../../core/must.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Graph } from '../../graph/types.ts';
import { createExactEvaluator } from '../../interpret/exact.ts';
import { windowOf } from '../../proof/accumulator.ts';
import { type IntegerLayer, integerLayerOf, isReductionNode } from '../../proof/certify.ts';
import { quantizedInputs } from '../quantized-inputs.ts';
import { createProbe, type Probe, type SumStatistics } from './probe.ts';
import { zeroPointShifts } from './ranges.ts';

/** Samples at once. */
const CHUNK = 16;

/**
 * The samples on which a sum leaves its accumulator's window, in a layer that is not proven: what a program with these accumulators
 * then computes is not what the network means.
 * @returns indices, ascending; none where every layer is proven
 */
export async function overflowingSamples(graph: Graph, data: Dataset): Promise<ReadonlySet<number>> {
  const layers = graph.nodes.filter(isReductionNode).map((node) => integerLayerOf(graph, node));
  const open = layers.filter(({ integer }) => integer.mode === 'calibrated');
  const found = new Set<number>();
  if (open.length === 0) return found;
  const read = open.map(({ node }) => node.inputs[0]!);
  const evaluator = await createExactEvaluator(graph, { activations: read });
  const watches: Watch[] = [];
  try {
    for (const layer of open) watches.push(await watch(graph, layer));
    for (let from = 0; from < data.count; from += CHUNK) {
      const count = Math.min(CHUNK, data.count - from);
      const samples = Array.from({ length: count }, (_, i) => from + i);
      const values = await evaluator.run(quantizedInputs(graph, data, samples), count);
      for (const [i, { overflows }] of watches.entries()) {
        const flags = await overflows(must(values.get(read[i]!), read[i]!), count);
        flags.forEach((flag, sample) => {
          if (flag) found.add(from + sample);
        });
      }
    }
  } finally {
    await evaluator.release();
    for (const { probe } of watches) await probe.release();
  }
  return found;
}

interface Watch {
  readonly probe: Probe;
  /** Of each sample. */
  overflows(x: Int8Array, count: number): Promise<boolean[]>;
}

async function watch(graph: Graph, { node, integer, weights, reduction, x }: IntegerLayer): Promise<Watch> {
  const model = integer.accumulator;
  const windows = must(integer.sums, `sums of ${node.id}`)
    .flat()
    .map((range) => windowOf(range, model.bits));
  const shifts = zeroPointShifts(model, weights.data, reduction.length, x.zeroPoint);
  const probe = await createProbe({ graph, node, model, weights: weights.data });
  const leaves = ({ lo, hi }: SumStatistics) =>
    windows.some((window, i) => lo[i]! + shifts[i]! < window.lo || hi[i]! + shifts[i]! > window.hi);
  return {
    probe,
    async overflows(values, count) {
      const real = Float32Array.from(values, (q) => q - x.zeroPoint);
      return (await probe.run(real, count)).map(leaves);
    },
  };
}
