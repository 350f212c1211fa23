import { describe, expect, it } from 'vitest';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import { GraphBuilder } from '../../src/graph/build.ts';
import { printGraph } from '../../src/graph/print.ts';
import type { Graph } from '../../src/graph/types.ts';
import { passes } from '../../src/passes/index.ts';
import { verifyGraph } from '../../src/passes/pass.ts';
import {
  expectFaithful,
  int64,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from '../onnx/model-helper.ts';

const constants = {
  w: random([4, 4, 3, 3], 1, 0.3),
  first: random([4, 3, 3, 3], 2, 0.3),
  gamma: random([4], 3),
  beta: random([4], 4),
  mean: random([4], 5),
  variance: tensor([4], Float32Array.of(0.5, 1, 2, 0.1)),
  dense: random([4 * 8 * 6, 5], 6, 0.1),
  zero: scalar(0),
  six: scalar(6),
  pads: int64(0, 0, 1, 1, 0, 0, 1, 1),
};
const pads = [1, 1, 1, 1];

/** The optimized graph of a model on 1×3×8×6, known to compute what ONNX Runtime does. */
async function optimized(nodes: readonly NodeSpec[], extra: Partial<ModelSpec> = {}): Promise<Graph> {
  const spec: ModelSpec = { inputs: { x: [1, 3, 8, 6] }, nodes, constants, ...extra };
  return (await expectFaithful(spec)).optimized;
}

const conv = (x: string, w = 'w'): NodeSpec => ({ op: 'Conv', inputs: [x, w], attributes: { pads } });
const norm = (x: string): NodeSpec => ({ op: 'BatchNormalization', inputs: [x, 'gamma', 'beta', 'mean', 'variance'] });
const relu = (x: string): NodeSpec => ({ op: 'Relu', inputs: [x] });

describe('nhwc-layout', () => {
  it('leaves no transpose in a network with a residual, a concatenation and a dense layer', async () => {
    const graph = await optimized(
      [
        conv('x', 'first'),
        relu('n0'),
        conv('n1'),
        { op: 'Add', inputs: ['n1', 'n2'] },
        { op: 'Concat', inputs: ['n3', 'n1'], attributes: { axis: 1 } },
        { op: 'Softmax', inputs: ['n4'], attributes: { axis: 1 } },
        { op: 'MaxPool', inputs: ['n5'], attributes: { kernel_shape: [2, 2], strides: [2, 2] } },
        { op: 'Flatten', inputs: ['n6'] },
        { op: 'Gemm', inputs: ['n7', 'small'] },
      ],
      { constants: { ...constants, small: random([96, 5], 9) } },
    );
    expect(kinds(graph)).toEqual([
      'conv2d',
      'conv2d',
      'add',
      'concat',
      'softmax',
      'maxPool',
      'reshape',
      'fullyConnected',
    ]);
    expect(graph.nodes[3]!.op).toEqual({ kind: 'concat', axis: 3 });
    expect(graph.inputs[0]!.views).toEqual([{ kind: 'transpose', perm: [0, 2, 3, 1] }]);
  });

  it('absorbs the transpose behind the last layer into the output', async () => {
    const graph = await optimized([conv('x', 'first'), { op: 'Tanh', inputs: ['n0'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'unary']);
    expect(graph.outputs[0]).toMatchObject({ shape: [1, 4, 8, 6], views: [{ kind: 'transpose', perm: [0, 3, 1, 2] }] });
  });

  it('takes a channels-last model as it is', async () => {
    const toFirst = { op: 'Transpose', attributes: { perm: [0, 3, 1, 2] } };
    const toLast = { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } };
    const graph = await optimized(
      [
        { ...toFirst, inputs: ['x'] },
        conv('n0', 'first'),
        { ...toLast, inputs: ['n1'] },
        relu('n2'),
        { op: 'Flatten', inputs: ['n3'] },
        { op: 'MatMul', inputs: ['n4', 'dense'] },
      ],
      { inputs: { x: [1, 8, 6, 3] } },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'reshape', 'fullyConnected']);
    expect(graph.inputs[0]!.views).toEqual([]);
  });

  it('runs a 1-D network without transposes, padding included', async () => {
    const graph = await optimized(
      [
        { op: 'Pad', inputs: ['x', 'ends'] },
        { op: 'Conv', inputs: ['n0', 'w1'] },
        relu('n1'),
        { op: 'Conv', inputs: ['n2', 'w2'] },
        { op: 'Conv', inputs: ['n2', 'w2'] },
        { op: 'Add', inputs: ['n3', 'n4'] },
        { op: 'GlobalAveragePool', inputs: ['n5'] },
        { op: 'Squeeze', inputs: ['n6', 'last'] },
      ],
      {
        inputs: { x: [1, 3, 12] },
        constants: {
          ends: int64(0, 0, 2, 0, 0, 1),
          w1: random([4, 3, 3], 1),
          w2: random([5, 4, 3], 2),
          last: int64(-1),
        },
      },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'conv2d', 'add', 'averagePool']);
    expect(graph.nodes[0]!.op).toMatchObject({ pads: [0, 2, 0, 1] });
  });

  it('keeps the input as it comes where a dense layer reads it', async () => {
    const graph = await optimized(
      [
        { op: 'Flatten', inputs: ['x'] },
        { op: 'Gemm', inputs: ['n0', 'dense'] },
      ],
      {
        inputs: { x: [1, 4, 8, 6] },
      },
    );
    expect(kinds(graph)).toEqual(['reshape', 'fullyConnected']);
    expect(graph.inputs[0]!.views).toEqual([]);
  });

  it('writes a transpose that two layers need once', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      { op: 'Transpose', inputs: ['n0'], attributes: { perm: [0, 1, 3, 2] } },
      conv('n1'),
      conv('n1'),
      { op: 'Add', inputs: ['n2', 'n3'] },
    ]);
    expect(kinds(graph)).toEqual(['conv2d', 'transpose', 'conv2d', 'conv2d', 'add']);
  });
});

describe('fold-batchnorm', () => {
  it('folds behind a convolution, with the activation', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), relu('n1')]);
    expect(kinds(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]).toMatchObject({ op: { clamp: { lo: 0, hi: Infinity } }, origin: { name: 'conv_0' } });
  });

  it('folds behind a dense layer', async () => {
    const graph = await optimized(
      [
        { op: 'MatMul', inputs: ['x', 'dense'] },
        { op: 'Add', inputs: ['n0', 'b'] },
        { op: 'Mul', inputs: ['n1', 'six'] },
      ],
      {
        inputs: { x: [1, 192] },
        constants: { ...constants, b: random([5], 7) },
      },
    );
    expect(kinds(graph)).toEqual(['fullyConnected']);
  });

  it('folds into a convolution that pads nothing', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), norm('n1'), { op: 'Conv', inputs: ['n2', 'w'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
  });

  it('folds into a grouped convolution', async () => {
    const graph = await optimized(
      [conv('x', 'first'), relu('n0'), norm('n1'), { op: 'Conv', inputs: ['n2', 'g'], attributes: { group: 2 } }],
      { constants: { ...constants, g: random([6, 2, 3, 3], 8) } },
    );
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
  });

  it('makes a depthwise convolution before one that pads, as the padding is not shifted', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), norm('n1'), relu('n2'), conv('n3')]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'conv2d']);
    expect(graph.nodes[1]!.op).toMatchObject({ groups: 4, clamp: { lo: 0, hi: Infinity } });
  });

  it('folds a scale without a shift into a convolution that pads', async () => {
    expect(kinds(await optimized([{ op: 'Mul', inputs: ['x', 'six'] }, conv('n0', 'first')]))).toEqual(['conv2d']);
  });

  it('leaves a convolution alone that others read before the normalization', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), { op: 'Add', inputs: ['n0', 'n1'] }]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d', 'add']);
  });
});

describe('fuse-activation', () => {
  it('intersects clips', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0'), { op: 'Clip', inputs: ['n1', '', 'six'] }]);
    expect(kinds(graph)).toEqual(['conv2d']);
    expect(graph.nodes[0]!.op).toMatchObject({ clamp: { lo: 0, hi: 6 } });
  });

  it('moves a clip through a maximum', async () => {
    const pool: NodeSpec = { op: 'MaxPool', inputs: ['n0'], attributes: { kernel_shape: [2, 2] } };
    expect(kinds(await optimized([conv('x', 'first'), pool, relu('n1')]))).toEqual(['conv2d', 'maxPool']);
  });

  it('moves a clip through a concatenation only where all parts can take it', async () => {
    const join: NodeSpec = { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } };
    expect(kinds(await optimized([conv('x', 'first'), conv('x', 'first'), join, relu('n2')]))).toEqual([
      'conv2d',
      'conv2d',
      'concat',
    ]);
    const other: NodeSpec = { op: 'Sigmoid', inputs: ['x'] };
    expect(kinds(await optimized([conv('x', 'first'), other, join, relu('n2')]))).toEqual([
      'conv2d',
      'unary',
      'concat',
      'unary',
    ]);
  });

  it('keeps a clip whose input others read', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      relu('n0'),
      { op: 'Concat', inputs: ['n0', 'n1'], attributes: { axis: 1 } },
    ]);
    expect(kinds(graph)).toEqual(['conv2d', 'unary', 'concat']);
  });

  it('keeps a clip whose input is an output of the network', async () => {
    const graph = await optimized([conv('x', 'first'), relu('n0')], { outputs: ['n0', 'n1'] });
    expect(kinds(graph)).toEqual(['conv2d', 'unary']);
  });
});

describe('fold-pad', () => {
  const pad: NodeSpec = { op: 'Pad', inputs: ['n0', 'pads'] };
  it('pads in the convolution', async () => {
    const graph = await optimized([conv('x', 'first'), pad, conv('n1')]);
    expect(kinds(graph)).toEqual(['conv2d', 'conv2d']);
    expect(graph.nodes[1]!.op).toMatchObject({ pads: [2, 2, 2, 2] });
  });

  it('never pads in a maximum', async () => {
    const pool: NodeSpec = { op: 'MaxPool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } };
    expect(kinds(await optimized([conv('x', 'first'), pad, pool]))).toEqual(['conv2d', 'pad', 'maxPool']);
  });

  it('pads in an average, whose divisor then counts the padding', async () => {
    const pool: NodeSpec = { op: 'AveragePool', inputs: ['n1'], attributes: { kernel_shape: [2, 2] } };
    const graph = await optimized([conv('x', 'first'), pad, pool]);
    expect(kinds(graph)).toEqual(['conv2d', 'averagePool']);
    expect(graph.nodes[1]!.op).toMatchObject({ pads: [1, 1, 1, 1], countIncludePad: true });
  });

  it('keeps a pad that others read', async () => {
    const graph = await optimized(
      [conv('x', 'first'), pad, conv('n1'), { op: 'Conv', inputs: ['n1', 'w'] }, relu('n1')],
      {
        outputs: ['n2', 'n3', 'n4'],
      },
    );
    expect(kinds(graph).filter((k) => k === 'pad')).toHaveLength(1);
  });
});

describe('dead-code and fold-identity', () => {
  it('drop what computes only a shape, and what does nothing', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      conv('n0'),
      { op: 'Shape', inputs: ['n1'] },
      { op: 'Reshape', inputs: ['n0', 'n2'] },
      { op: 'Clip', inputs: ['n3'] },
    ]);
    expect(kinds(graph)).toEqual(['conv2d']);
  });

  it('keep an output that is an input', async () => {
    const graph = await optimized([{ op: 'Identity', inputs: ['x'] }]);
    expect(graph.outputs[0]!.tensor).toBe(graph.inputs[0]!.tensor);
  });
});

describe('the passes', () => {
  it('return the same object the second time', async () => {
    const nodes = [conv('x', 'first'), norm('n0'), relu('n1'), conv('n2'), { op: 'Flatten', inputs: ['n3'] }];
    const graph = await optimized(nodes);
    for (const pass of passes) expect(pass.run(graph), pass.name).toBe(graph);
  });

  it('leave a graph that reads well', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), relu('n1'), { op: 'Tanh', inputs: ['n2'] }]);
    expect(printGraph(graph)).toBe(
      [
        'graph test',
        '  input x 1×3×8×6 transpose[0,2,3,1] -> %x: float32[1×8×6×3]',
        '  %n2: float32[1×8×6×4] = conv2d(%x, const float32[4×3×3×3], const float32[4])' +
          ' strides=[1,1] dilations=[1,1] pads=[1,1,1,1] groups=1 clamp={lo:0 hi:Infinity} // conv_0',
        '  %n3: float32[1×8×6×4] = unary(%n2) fn={name:tanh} // tanh_3',
        '  output n3 1×4×8×6 <- transpose[0,3,1,2] %n3',
        '',
      ].join('\n'),
    );
  });
});

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
