import { describe, expect, it } from 'vitest';
import { templatesIn } from '../../src/emit/render.ts';
import { kernels } from '../../src/kernels/index.ts';
import { kernelsFor, selectKernels } from '../../src/kernels/select.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';

const pool = { kind: 'maxPool', kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;

describe('selectKernels', () => {
  it('chooses a kernel for each node', () => {
    const b = new QuantizedGraphBuilder('g');
    b.output(b.node({ kind: 'add' }, [b.node(pool, [b.input([1, 2, 2, 3])]), b.input([1, 2, 2, 3])]));
    const graph = b.build();
    const names = [...selectKernels(graph, armv8a).values()].map((kernel) => kernel.name);
    expect(names).toEqual(['max-pool', 'add']);
  });

  it('refuses nodes that no kernel takes, all of them in one message', () => {
    const b = new QuantizedGraphBuilder('g');
    b.output(b.node(pool, [b.input([2, 3, 3, 4])]));
    b.output(b.node({ kind: 'concat', axis: 1 }, [b.input([2, 3, 3, 4]), b.input([2, 3, 3, 4])]));
    expect(() => selectKernels(b.build(), armv8a)).toThrow(
      expect.objectContaining({
        kind: 'unsupported',
        code: 'no-kernel',
        message: '2 nodes have no kernel for armv8-a',
        details: [
          'node "maxPool_1" (maxPool): max-pool: a batch of 2',
          'node "concat_2" (concat): concat: joins axis 1 of a batch',
        ],
      }),
    );
  });

  it('takes the cheapest of those that fit', () => {
    const b = new QuantizedGraphBuilder('g');
    b.output(b.node(pool, [b.input([1, 3, 3, 4])]));
    const graph = b.build();
    const [node] = graph.nodes;
    const fitting = kernelsFor(node!, graph, armv8a);
    const costs = fitting.map((kernel) => kernel.cost(node!, graph, armv8a).instructions);
    const chosen = selectKernels(graph, armv8a).get(node!.id)!;
    expect(chosen.cost(node!, graph, armv8a).instructions).toBe(Math.min(...costs));
  });
});

describe('the table of kernels', () => {
  it('has one template for each kernel, of its name', () => {
    const templates = templatesIn('kernels').map((file) => file.replace('.c.hbs', ''));
    expect(templates).toEqual(expect.arrayContaining([...new Set(kernels.map((kernel) => kernel.name))]));
  });
});
