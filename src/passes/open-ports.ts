import { consumersOf, GraphBuilder, tensorOf } from '../graph/build.ts';
import type { Clamp, Graph, QuantParams, TensorId } from '../graph/types.ts';
import type { SumRange } from '../proof/accumulator.ts';
import { movesValues } from '../quantize/steps/groups.ts';

/**
 * Quantized networks whose ends are in float: trained ones (QONNX) often round neither their input nor their scores. Both
 * get a grid here, one that cuts nothing off.
 */

/** An int8 grid over [lo, hi] and 0. */
export function gridOver(lo: number, hi: number): QuantParams {
  const [least, most] = [Math.min(0, lo), Math.max(0, hi)];
  const scale = Math.fround(most > least ? (most - least) / 255 : 1);
  const zeroPoint = Math.min(127, Math.max(-128, Math.round(-128 - least / scale)));
  return { scale: [scale], zeroPoint, qmin: -128, qmax: 127 };
}

/** The graph with the inputs `ids` rounded to a grid over the range. */
export function quantizeInputs(graph: Graph, ids: readonly TensorId[], [lo, hi]: readonly [number, number]): Graph {
  const b = GraphBuilder.rebuild(graph);
  const rounded = new Map<TensorId, TensorId>();
  for (const id of ids) {
    const fresh = b.addTensor({ ...tensorOf(graph, id), id: b.freshId(`${id}.rounded`) });
    b.addNode({ kind: 'fakeQuant', quant: gridOver(lo, hi) }, [id], [fresh], { name: id, opType: 'input' });
    rounded.set(id, fresh);
  }
  b.nodes.push(...graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map((id) => rounded.get(id) ?? id) })));
  return b.build();
}

/** True where a value only leaves the network, at most moved or through a softmax. */
export function onlyLeaves(graph: Graph, id: TensorId): boolean {
  return consumersOf(graph, id).every(
    (n) => (movesValues(n) || n.op.kind === 'softmax') && onlyLeaves(graph, n.outputs[0]!),
  );
}

/**
 * The grid of a layer's output from what its integer sums can be at all, so that no score is ever cut off.
 * @param ranges of the sums of each output channel, bias included
 * @param steps real value of a sum's unit, for each channel
 */
export function provenGrid(
  ranges: readonly SumRange[],
  steps: readonly number[],
  clamp: Clamp | undefined,
): QuantParams {
  const { lo, hi } = clamp ?? { lo: -Infinity, hi: Infinity };
  const cut = (x: number): number => Math.min(hi, Math.max(lo, x));
  return gridOver(
    ranges.reduce((least, r, o) => Math.min(least, cut(r.lo * steps[o]!)), 0),
    ranges.reduce((most, r, o) => Math.max(most, cut(r.hi * steps[o]!)), 0),
  );
}
