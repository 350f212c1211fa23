import { producerOf } from '../graph/build.ts';
import type { Clamp, Graph, Node, Op } from '../graph/types.ts';
import { intersect } from '../ops/clamp.ts';
import { bypassed, edited, merged, type Pass, soleConsumer, untilStable } from './pass.ts';

/**
 * Takes ReLU and Clip into the clamp of what computes their input, also through a maximum, a concatenation or a view, which
 * clipping commutes with.
 * Requires: affine operators are gone.
 * Guarantees: a clip stands only behind operators without a clamp, or behind a value that others read unclipped.
 */
export const fuseActivation: Pass = { name: 'fuse-activation', run: (graph) => untilStable(graph, fuse) };

function fuse(graph: Graph, node: Node): Graph | undefined {
  const clamp = clampOf(node.op);
  if (clamp === undefined) return undefined;
  const producer = producerOf(graph, node.inputs[0]!);
  if (producer === undefined || soleConsumer(graph, node.inputs[0]!) !== node) return undefined;
  const direct = clamped(producer.op, clamp);
  if (direct !== undefined) return merged(graph, { ...producer, op: direct }, node);
  const sources = sourcesBehind(graph, producer);
  if (sources === undefined) return undefined;
  const nodes = new Map(sources.map((s) => [s.id, [{ ...s, op: clamped(s.op, clamp)! }]] as const));
  return bypassed(edited(graph, { nodes }), node);
}

function clampOf(op: Op): Clamp | undefined {
  return op.kind === 'unary' && op.fn.name === 'clip' ? { lo: op.fn.lo, hi: op.fn.hi } : undefined;
}

/** The operator with the clamp behind it taken in; undefined where it has no place for one. */
function clamped(op: Op, clamp: Clamp): Op | undefined {
  switch (op.kind) {
    case 'conv2d':
    case 'fullyConnected':
    case 'add':
    case 'mul':
    case 'averagePool':
      return { ...op, clamp: intersect(op.clamp, clamp)! };
    case 'unary': {
      const inner = clampOf(op);
      return inner === undefined ? undefined : { kind: 'unary', fn: { name: 'clip', ...intersect(inner, clamp)! } };
    }
    default:
      return undefined;
  }
}

/** Clipping before them is clipping behind them. */
const commuting: ReadonlySet<Op['kind']> = new Set([
  'maxPool',
  'extremum',
  'concat',
  'slice',
  'reshape',
  'transpose',
  'depthToSpace',
  'spaceToDepth',
]);

/** The operators that can clip instead, where all that lies between commutes with clipping and is read by nobody else. */
function sourcesBehind(graph: Graph, node: Node): Node[] | undefined {
  const nearest = node.op.kind === 'resize' && node.op.mode === 'nearest';
  if (!nearest && !commuting.has(node.op.kind)) return undefined;
  const sources: Node[] = [];
  for (const id of node.inputs) {
    const producer = soleConsumer(graph, id) === node ? producerOf(graph, id) : undefined;
    if (producer === undefined) return undefined;
    const found = clamped(producer.op, { lo: 0, hi: 0 }) ? [producer] : sourcesBehind(graph, producer);
    if (found === undefined) return undefined;
    sources.push(...found);
  }
  return sources;
}
