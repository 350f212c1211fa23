import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph, Op, Pads, TensorId } from '../../src/graph/types.ts';
import type { Selections } from '../../src/kernels/select.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { alignment } from '../../src/plan/arena.ts';
import { type LayerStep, type Plan, planMemory } from '../../src/plan/plan.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { evaluate, QuantizedGraphBuilder, quant, randomInputs, someQuant } from '../helpers/quantized-graph.ts';
import { randomGraphs, withBorders } from './random-graph.ts';
import { checkExtents, simulate } from './simulate.ts';

const relu: Op = { kind: 'unary', fn: { name: 'clip', lo: 0, hi: Infinity } };
const pool: Op = { kind: 'maxPool', kernel: [2, 2], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] };
const otherQuant = quant(0.1, 5);

function build(make: (b: QuantizedGraphBuilder) => readonly TensorId[]): Graph {
  const b = new QuantizedGraphBuilder('g');
  for (const id of make(b)) b.output(id);
  return b.build();
}

function planOf(graph: Graph, selections: Selections = selectKernels(graph, armv8a)): Plan {
  const plan = planMemory(graph, selections);
  const inputs = randomInputs(graph, 3);
  const values = evaluate(graph, inputs);
  expect(simulate(graph, plan, inputs)).toEqual(graph.outputs.map((port) => values.get(port.tensor)));
  return plan;
}

const layersOf = (plan: Plan): LayerStep[] => plan.steps.filter((step) => step.kind === 'layer');
const namesOf = (plan: Plan): string[] => layersOf(plan).map((step) => step.node.op.kind);

describe('planMemory', () => {
  it('gives every graph a plan in which nothing overwrites what is still needed', () => {
    fc.assert(
      fc.property(randomGraphs, fc.nat(1000), ({ graph, selections }, seed) => {
        const plan = planMemory(graph, selections);
        const inputs = randomInputs(graph, seed);
        const values = evaluate(graph, inputs);
        expect(simulate(graph, plan, inputs)).toEqual(graph.outputs.map((port) => values.get(port.tensor)));
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.lowerBoundBytes);
        expect(plan.arenaBytes % alignment).toBe(0);
        for (const block of plan.blocks) expect(block.offset % alignment).toBe(0);
        checkExtents(graph, plan.placements);
      }),
      { numRuns: 300 },
    );
  });

  it('copies inputs in first and outputs out last', () => {
    const plan = planOf(build((b) => [b.node(pool, [b.input([1, 4, 4, 3])])]));
    expect(plan.steps.map((step) => step.kind)).toEqual(['load', 'layer', 'store']);
  });

  it('stores an input that is an output, and an output that is named twice', () => {
    const plan = planOf(
      build((b) => {
        const x = b.input([1, 2, 2, 3]);
        return [x, x];
      }),
    );
    expect(plan.steps.map((step) => step.kind)).toEqual(['load', 'store', 'store']);
  });

  it('has 16 bytes of slack behind the last tensor', () => {
    const plan = planOf(build((b) => [b.node(relu, [b.input([1, 1, 1, 16])])]));
    expect(plan.arenaBytes).toBe(32);
    expect(plan.lowerBoundBytes).toBe(32);
  });

  it('gives a kernel the room that it may read past its input', () => {
    const graph = build((b) => [b.node(pool, [b.input([1, 2, 2, 4])])]);
    const greedy = new Map([...selectKernels(graph, armv8a)].map(([id, k]) => [id, { ...k, overread: () => 100 }]));
    expect(planMemory(graph, greedy).arenaBytes).toBe(128);
  });
});

describe('writing over an input', () => {
  it('is done by an element-wise kernel when the input dies', () => {
    const plan = planOf(build((b) => [b.node(relu, [b.node(pool, [b.input([1, 4, 4, 3])])])]));
    const [, second] = layersOf(plan);
    expect(second?.inPlace).toBe(true);
    expect(second?.output.offset).toBe(second?.inputs[0]?.offset);
  });

  it('is not done when the input is read later, or is an output', () => {
    const later = build((b) => {
      const x = b.node(pool, [b.input([1, 4, 4, 3])]);
      return [b.node({ kind: 'add' }, [b.node(relu, [x]), x])];
    });
    expect(layersOf(planOf(later)).map((step) => step.inPlace)).toEqual([false, false, true]);
    const output = build((b) => {
      const x = b.node(pool, [b.input([1, 4, 4, 3])]);
      return [x, b.node(relu, [x])];
    });
    expect(layersOf(planOf(output)).map((step) => step.inPlace)).toEqual([false, false]);
  });

  it('takes the second operand of an addition where only that one dies', () => {
    const graph = build((b) => {
      const x = b.node(pool, [b.input([1, 4, 4, 3])]);
      return [b.node({ kind: 'add' }, [x, b.node(pool, [b.input([1, 4, 4, 3])])]), x];
    });
    const sum = layersOf(planOf(graph)).at(-1);
    expect(sum?.inPlace).toBe(true);
    expect(sum?.output.offset).toBe(sum?.inputs[1]?.offset);
  });

  it('fills the border again where the zero point changes', () => {
    const graph = build((b) => {
      const x = b.input([1, 4, 4, 3]);
      const first = b.node(pool, [x]);
      const second = b.node(pool, [b.node(relu, [x], otherQuant)], otherQuant);
      return [first, second];
    });
    const plan = planOf(graph, withBorders(graph, [1, 0, 2, 1]));
    const fills = plan.steps.map((step) => step.fillBorder?.zeroPoint);
    expect(fills.filter((z) => z !== undefined)).toEqual([someQuant.zeroPoint, otherQuant.zeroPoint]);
  });
});

describe('borders', () => {
  it('are the widest that the consumers ask for, and filled just before the producer writes', () => {
    const graph = build((b) => [b.node(pool, [b.node(relu, [b.input([1, 4, 4, 3])], otherQuant)], otherQuant)]);
    const border: Pads = [1, 2, 3, 4];
    const plan = planOf(graph, withBorders(graph, border));
    const [table] = layersOf(plan);
    expect(table?.output.border).toEqual(border);
    expect(table?.output.rowStride).toBe((2 + 4 + 4) * 3);
    expect(table?.fillBorder?.zeroPoint).toBe(otherQuant.zeroPoint);
    // The load shares the buffer, since the table writes in place, but nothing reads its border.
    expect(plan.steps[0]?.fillBorder).toBeUndefined();
  });

  it('surround a whole concatenation, and are filled by the first of its producers', () => {
    const graph = build((b) => {
      const parts = [b.node(relu, [b.input([1, 4, 4, 3])]), b.node(relu, [b.input([1, 4, 4, 5])])];
      return [b.node(pool, [b.node({ kind: 'concat', axis: 3 }, parts)])];
    });
    const plan = planOf(graph, withBorders(graph, [1, 1, 1, 1]));
    const [first, second] = layersOf(plan);
    expect(first?.fillBorder?.placement.extent).toEqual([4, 4, 8]);
    expect(second?.fillBorder).toBeUndefined();
    expect([first, second].map((step) => step?.output.pixelStride)).toEqual([8, 8]);
  });
});

describe('concatenations', () => {
  const joined = (axis: number) =>
    build((b) => {
      const parts = [1, 2].map(() => b.node(pool, [b.input([1, 4, 4, 3])]));
      return [b.node({ kind: 'concat', axis }, parts)];
    });

  it.each([0, 1, 2, 3])('along axis %i need no step of their own', (axis) => {
    expect(namesOf(planOf(joined(axis)))).toEqual(['maxPool', 'maxPool']);
  });

  it('copy an input that something else reads, that is there twice, or that is a view', () => {
    const graph = build((b) => {
      const x = b.node(pool, [b.input([1, 4, 4, 3])]);
      const y = b.node(pool, [b.input([1, 4, 4, 3])]);
      const view = b.node({ kind: 'reshape', shape: [1, 3, 3, 3] }, [b.node(pool, [b.input([1, 4, 4, 3])])]);
      const c = b.node({ kind: 'concat', axis: 3 }, [x, y, y, view]);
      return [c, b.node(relu, [x])];
    });
    expect(namesOf(planOf(graph))).toEqual([
      'maxPool',
      'maxPool',
      'maxPool',
      'concat',
      'concat',
      'concat',
      'concat',
      'unary',
    ]);
  });

  it('copy what a kernel cannot write with gaps', () => {
    const graph = joined(3);
    const dense = new Map(
      [...selectKernels(graph, armv8a)].map(([id, k]) => [id, { ...k, denseOutput: true as const }]),
    );
    expect(namesOf(planOf(graph, dense))).toEqual(['maxPool', 'maxPool', 'concat', 'concat']);
  });

  it('of concatenations are written by the innermost producers', () => {
    const graph = build((b) => {
      const [x, y, z] = [1, 2, 3].map(() => b.node(pool, [b.input([1, 4, 4, 2])])) as [TensorId, TensorId, TensorId];
      const inner = b.node({ kind: 'concat', axis: 1 }, [x, y]);
      const tall = b.node({ kind: 'concat', axis: 1 }, [z, b.input([1, 3, 3, 2])]);
      return [b.node({ kind: 'concat', axis: 3 }, [inner, tall])];
    });
    expect(namesOf(planOf(graph))).toEqual(['maxPool', 'maxPool', 'maxPool']);
  });

  it('take in constants by a copy', () => {
    const graph = build((b) => {
      const constant = b.constant([1, 2, 2, 1], Int8Array.of(1, -2, 3, -128), someQuant);
      return [b.node({ kind: 'concat', axis: 3 }, [b.input([1, 2, 2, 3]), constant])];
    });
    expect(planOf(graph).steps.map((step) => step.kind)).toEqual(['load', 'constant', 'layer', 'store']);
  });
});

describe('views', () => {
  it('share their bytes', () => {
    const flat = build((b) => [b.node({ kind: 'reshape', shape: [1, 27] }, [b.node(pool, [b.input([1, 4, 4, 3])])])]);
    expect(namesOf(planOf(flat))).toEqual(['maxPool']);
    const moved = build((b) => [b.node({ kind: 'transpose', perm: [1, 0, 2, 3] }, [b.input([1, 4, 1, 3])])]);
    expect(namesOf(planOf(moved))).toEqual([]);
  });

  it('are copied where a border parts the bytes', () => {
    const graph = build((b) => {
      const x = b.input([1, 4, 4, 3]);
      return [b.node(pool, [x]), b.node({ kind: 'reshape', shape: [6, 8] }, [x])];
    });
    expect(namesOf(planOf(graph))).toEqual(['maxPool']);
    expect(namesOf(planOf(graph, withBorders(graph, [1, 1, 1, 1])))).toEqual(['maxPool', 'reshape']);
  });

  it('of the same extents share a border too', () => {
    const graph = build((b) => {
      const x = b.node(relu, [b.input([1, 1, 4, 3])]);
      return [b.node({ ...pool, kernel: [1, 2] }, [b.node({ kind: 'reshape', shape: [1, 1, 4, 3] }, [x])])];
    });
    expect(namesOf(planOf(graph, withBorders(graph, [0, 1, 0, 1])))).toEqual(['unary', 'maxPool']);
  });
});
