import { isKind, producerOf } from '../graph/build.ts';
import type { Graph, Node, PadOp, Pads } from '../graph/types.ts';
import { edited, type Pass, untilStable } from './pass.ts';

/**
 * Takes zero padding of height and width into the convolution or average behind it.
 * Requires: channels-last (after nhwc-layout).
 * Guarantees: no zero Pad of space stands before a convolution, nor before an average that pads nothing itself. Never
 * before a maximum: there, padding must not win, and a zero could.
 */
export const foldPad: Pass = { name: 'fold-pad', run: (graph) => untilStable(graph, foldInto) };

function foldInto(graph: Graph, node: Node): Graph | undefined {
  const pad = producerOf(graph, node.inputs[0] ?? '');
  if (pad === undefined || !isKind(pad, 'pad')) return undefined;
  const amounts = spatialZeros(pad.op);
  if (amounts === undefined) return undefined;
  const { op } = node;
  const replaced = (next: Node['op']): Graph => {
    const inputs = [pad.inputs[0]!, ...node.inputs.slice(1)];
    return withoutUnread(edited(graph, { nodes: new Map([[node.id, [{ ...node, op: next, inputs }]]]) }), pad);
  };
  if (op.kind === 'conv2d') {
    const [top, left, bottom, right] = op.pads;
    const [t, l, b, r] = amounts;
    return replaced({ ...op, pads: [top + t, left + l, bottom + b, right + r] });
  }
  if (op.kind === 'averagePool' && [...op.pads, ...op.ceilExtra].every((p) => p === 0)) {
    return replaced({ ...op, pads: amounts, countIncludePad: true });
  }
  return undefined;
}

function spatialZeros(op: PadOp): Pads | undefined {
  if (op.value !== 0 || op.pads.length !== 8) return undefined;
  const [n0, top, left, c0, n1, bottom, right, c1] = op.pads;
  return n0 === 0 && c0 === 0 && n1 === 0 && c1 === 0 ? [top!, left!, bottom!, right!] : undefined;
}

function withoutUnread(graph: Graph, pad: Node): Graph {
  const id = pad.outputs[0]!;
  const read = graph.nodes.some((n) => n.inputs.includes(id)) || graph.outputs.some((p) => p.tensor === id);
  return read ? graph : edited(graph, { nodes: new Map([[pad.id, []]]) });
}
