import { describe, expect, it } from 'vitest';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import { GraphBuilder } from '../../src/graph/build.ts';
import { verifyGraph } from '../../src/passes/pass.ts';

describe('the check after each pass', () => {
  const graph = (): GraphBuilder => {
    const b = new GraphBuilder('broken');
    b.addTensor({ id: 'x', shape: [1, 4], dtype: 'float32' });
    b.inputs.push({ name: 'x', tensor: 'x', shape: [1, 4], views: [] });
    return b;
  };
  const origin = { name: 'relu', opType: 'Relu' };
  const op = { kind: 'unary', fn: { name: 'tanh' } } as const;
  const breakages: [string, string, (b: GraphBuilder) => void][] = [
    [
      'a wrong shape',
      'unary:y yields 1×4, its output is 1×5 (after test)',
      (b) => {
        b.addTensor({ id: 'y', shape: [1, 5], dtype: 'float32' });
        b.addNode(op, ['x'], ['y'], origin);
      },
    ],
    [
      'a value before its time',
      'unary:y reads z before it is there (after test)',
      (b) => {
        for (const id of ['y', 'z']) b.addTensor({ id, shape: [1, 4], dtype: 'float32' });
        b.addNode(op, ['z'], ['y'], origin);
        b.addNode(op, ['y'], ['z'], origin);
      },
    ],
    [
      'two producers',
      'unary:x yields x, which has a producer already (after test)',
      (b) => b.addNode(op, ['x'], ['x'], origin),
    ],
    [
      'an unknown tensor',
      'unary:x reads the unknown tensor q (after test)',
      (b) => b.addNode(op, ['q'], ['x'], origin),
    ],
    [
      'a missing output',
      'output y is y, which nothing yields (after test)',
      (b) => {
        b.addTensor({ id: 'y', shape: [1, 4], dtype: 'float32' });
        b.outputs.push({ name: 'y', tensor: 'y', shape: [1, 4], views: [] });
      },
    ],
    [
      'a constant that is not finite',
      'c is not finite (after test)',
      (b) => {
        const c = b.constant('c', [1, 4], Float32Array.of(1, Number.NaN, 3, 4));
        b.addTensor({ id: 'y', shape: [1, 4], dtype: 'float32' });
        b.addNode({ kind: 'add' }, ['x', c], ['y'], origin);
      },
    ],
  ];
  it.each(breakages)('finds %s', (_name, message, change) => {
    const b = graph();
    change(b);
    let error: unknown;
    try {
      verifyGraph(b.build(), 'test');
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(NeonarrowError);
    expect(error).toMatchObject({ kind: 'invariant', message, place: 'graph broken' });
  });
});
