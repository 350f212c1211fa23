import fc from 'fast-check';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Graph, Op, Pads, Shape, TensorId } from '../../src/graph/types.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type Selections, selectKernels } from '../../src/kernels/select.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { QuantizedGraphBuilder, quant, someQuant } from '../helpers/quantized-graph.ts';

/** One node, as numbers that pick among what fits. */
interface Pick {
  readonly op: number;
  readonly inputs: readonly [number, number];
  readonly detail: number;
}

const pick: fc.Arbitrary<Pick> = fc.record({
  op: fc.nat(10),
  inputs: fc.tuple(fc.nat(), fc.nat()),
  detail: fc.nat(100),
});

export interface RandomGraph {
  readonly graph: Graph;
  readonly selections: Selections;
}

/** Small quantized graphs of views, concatenations, element-wise operators and pools, some of which ask for borders. */
export const randomGraphs: fc.Arbitrary<RandomGraph> = fc
  .record({
    picks: fc.array(pick, { minLength: 1, maxLength: 10 }),
    borders: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }),
  })
  .map(({ picks, borders }) => {
    const graph = graphOf(picks);
    return { graph, selections: withBorders(graph, borders as unknown as Pads) };
  });

/** A tensor that nodes may read: its shape and which of two quantizations it has. */
interface Available {
  readonly id: TensorId;
  readonly shape: Shape;
  readonly quant: 0 | 1;
}

const quants = [someQuant, quant(0.04, 17)] as const;

function graphOf(picks: readonly Pick[]): Graph {
  const b = new QuantizedGraphBuilder('random');
  const available: Available[] = [
    { id: b.input([1, 4, 3, 5]), shape: [1, 4, 3, 5], quant: 0 },
    { id: b.input([1, 4, 3, 5]), shape: [1, 4, 3, 5], quant: 0 },
  ];
  const read = new Set<TensorId>();
  for (const p of picks) {
    const node = nodeOf(p, available);
    if (node === undefined) continue;
    for (const id of node.inputs) read.add(id);
    const id = b.node(node.op, node.inputs, quants[node.quant]);
    available.push({ id, shape: b.shapeOf(id), quant: node.quant });
  }
  for (const { id } of available) if (!read.has(id)) b.output(id);
  return b.build();
}

interface NewNode {
  readonly op: Op;
  readonly inputs: readonly TensorId[];
  readonly quant: 0 | 1;
}

function nodeOf({ op, inputs, detail }: Pick, available: readonly Available[]): NewNode | undefined {
  const x = available[available.length - 1 - (inputs[0] % Math.min(available.length, 4))]!;
  const { shape, quant: own } = x;
  const partners = available.filter((t) => String(t.shape) === String(shape) && t.quant === own);
  const other = partners[inputs[1] % partners.length]!;
  const small = sizeOf(shape) <= 1500;
  const of = (kind: Op, ...ids: TensorId[]): NewNode => ({ op: kind, inputs: [x.id, ...ids], quant: own });
  switch (op) {
    case 0:
    case 1:
      return { ...of({ kind: 'unary', fn: { name: 'leakyRelu', alpha: 0.5 } }), quant: op };
    case 2:
    case 3:
      return of({ kind: 'add' }, other.id);
    case 4:
    case 5:
    case 6: {
      const axis = detail % shape.length;
      const fits = axis >= shape.length - 2 || sizeOf(shape.slice(0, axis)) === 1;
      if (!fits || !small) return undefined;
      return of({ kind: 'concat', axis }, other.id, ...(detail % 3 === 0 ? [x.id] : []));
    }
    case 7:
      return of({ kind: 'reshape', shape: detail % 2 === 0 ? [1, sizeOf(shape)] : [1, ...shape] });
    case 8:
      return of({ kind: 'transpose', perm: shape.map((_, axis) => axis).toReversed() });
    case 9: {
      const before = shape.map((_, axis) => (axis + detail) % 2);
      return small ? of({ kind: 'pad', pads: [...before, ...shape.map(() => 0)], value: 1 }) : undefined;
    }
    default:
      return poolOf(x, detail);
  }
}

function poolOf({ id, shape, quant: own }: Available, detail: number): NewNode | undefined {
  if (shape.length !== 4 || shape[0] !== 1) return undefined;
  const kernel = (axis: number): number => 1 + (detail % Math.min(shape[axis]!, 3));
  const pads: Pads = [0, 0, 0, 0];
  const op: Op = { kind: 'maxPool', kernel: [kernel(1), kernel(2)], strides: [1, 1], pads, dilations: [1, 1] };
  return { op, inputs: [id], quant: own };
}

/** Max pools that ask for a border, which they do not need: the graph's other kernels must cope with it. */
export function withBorders(graph: Graph, border: Pads): Selections {
  const asking = (kernel: Kernel): Kernel => ({ ...kernel, border: () => border });
  return new Map(
    [...selectKernels(graph, armv8a)].map(([id, kernel]) => [id, kernel.op === 'maxPool' ? asking(kernel) : kernel]),
  );
}
