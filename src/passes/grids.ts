import { consumersOf, isGraphOutput, tensorOf } from '../graph/build.ts';
import type { Graph, Node, QuantParams, TensorId } from '../graph/types.ts';
import { sameQuant } from '../quantize/check.ts';
import { movesValues } from '../quantize/steps/groups.ts';

/** Which activations are on a grid, as `fakeQuant` nodes say, and which tensors are the same integers. */
export interface Grids {
  /** The tensor whose integers another one is: behind a `fakeQuant`, its input. */
  source(id: TensorId): TensorId;
  /** The grid of a tensor, by its source. */
  readonly quants: ReadonlyMap<TensorId, QuantParams>;
  /** `fakeQuant` nodes that move values from one grid to another: they stay, as tables. */
  readonly requantizations: ReadonlySet<Node>;
  readonly conflicts: readonly { readonly node: Node; readonly reason: string }[];
}

/**
 * Reads the grids off the `fakeQuant` nodes, and carries them backwards over operators that only move values: rounding
 * before a maximum, a reshape, … gives the same as rounding behind it.
 */
export function gridsOf(graph: Graph): Grids {
  const sources = new Map<TensorId, TensorId>();
  const source = (id: TensorId): TensorId => sources.get(id) ?? id;
  const quants = new Map<TensorId, QuantParams>();
  const rounded = new Set<TensorId>();
  const requantizations = new Set<Node>();
  const conflicts: { node: Node; reason: string }[] = [];
  for (const node of graph.nodes) {
    if (node.op.kind !== 'fakeQuant') continue;
    const [from, to] = [source(node.inputs[0]!), node.outputs[0]!];
    const isRounded = from !== node.inputs[0];
    const known = quants.get(from);
    if (known === undefined || sameQuant(known, node.op.quant)) {
      quants.set(from, node.op.quant);
      sources.set(to, from);
      rounded.add(from);
    } else if (isRounded) {
      requantizations.add(node);
      quants.set(to, node.op.quant);
    } else {
      conflicts.push({ node, reason: 'its input is quantized in two ways' });
    }
  }
  carryBack(graph, source, quants);
  return { source, quants, requantizations, conflicts: [...conflicts, ...rawReaders(graph, rounded)] };
}

function carryBack(graph: Graph, source: (id: TensorId) => TensorId, quants: Map<TensorId, QuantParams>): void {
  for (const node of graph.nodes.toReversed()) {
    const quant = quants.get(node.outputs[0]!);
    if (!movesValues(node) || quant === undefined) continue;
    for (const id of node.inputs) {
      if (tensorOf(graph, id).data !== undefined || quants.has(source(id)) || isGraphOutput(graph, id)) continue;
      const agrees = (reader: Node) => movesValues(reader) && sameQuant(quants.get(reader.outputs[0]!), quant);
      if (consumersOf(graph, id).every(agrees)) quants.set(id, quant);
    }
  }
}

/** Operators that read a value in front of the `fakeQuant` that others read it behind. */
function rawReaders(graph: Graph, rounded: ReadonlySet<TensorId>): { node: Node; reason: string }[] {
  return graph.nodes
    .filter((n) => n.op.kind !== 'fakeQuant' && n.inputs.some((id) => rounded.has(id)))
    .map((node) => ({ node, reason: 'it reads a value that is quantized for others only' }));
}
