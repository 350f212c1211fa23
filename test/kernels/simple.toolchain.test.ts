import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  AveragePoolOp,
  Graph,
  MaxPoolOp,
  Op,
  Pair,
  QuantParams,
  ResizeOp,
  Shape,
  TensorId,
} from '../../src/graph/types.ts';
import { type Case, runCases, toolchains } from '../helpers/compile-and-run.ts';
import { QuantizedGraphBuilder, quant, someQuant } from '../helpers/quantized-graph.ts';
import { randomGraphs, withBorders } from '../plan/random-graph.ts';

/** Around the blocks of 16 in which the kernels work. */
const channelCounts = [1, 7, 8, 15, 16, 17, 33];
const probability = quant(1 / 256, -128);

interface Operator {
  readonly shapes: readonly Shape[];
  readonly op: Op;
  readonly input?: QuantParams;
  readonly output?: QuantParams;
}

function graphOf({ shapes, op, input = someQuant, output = input }: Operator): Graph {
  const b = new QuantizedGraphBuilder('one');
  b.output(
    b.node(
      op,
      shapes.map((shape) => b.input(shape, input)),
      output,
    ),
  );
  return b.build();
}

/**
 * The operator between others, such that its operands have borders, and its output is a slice of a concatenation whose
 * other slice is there already.
 */
function surrounded({ shapes, op, input = someQuant, output = input }: Operator): Case {
  const b = new QuantizedGraphBuilder('surrounded');
  const identity = (x: TensorId, window = 1): TensorId => {
    const q = window === 1 ? input : output;
    const kernel = { kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1] } as const;
    return b.node({ kind: 'maxPool', ...kernel }, [x], q);
  };
  const inputs = shapes.map((shape) => b.input(shape, input));
  for (const x of inputs) b.output(identity(x));
  const first = b.input(graphOf({ shapes, op, input, output }).outputs[0]!.shape, output);
  const y = b.node({ kind: 'concat', axis: 3 }, [b.node(op, inputs, output), first], output);
  b.output(identity(y, 2));
  const graph = b.build();
  return { name: '', graph, selections: withBorders(graph, [1, 2, 0, 1]) };
}

const relu: Op = { kind: 'unary', fn: { name: 'clip', lo: 0, hi: Infinity } };
const maxPool = (extra: Partial<MaxPoolOp>): Op => ({
  kind: 'maxPool',
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  ...extra,
});
const averagePool = (extra: Partial<AveragePoolOp>): Op => ({
  kind: 'averagePool',
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  countIncludePad: false,
  ceilExtra: [0, 0],
  ...extra,
});

const images: readonly Operator[] = [
  ...channelCounts.flatMap((c): Operator[] => [
    { shapes: [[1, 4, 3, c]], op: { kind: 'unary', fn: { name: 'sigmoid' } }, output: probability },
    {
      shapes: [
        [1, 4, 3, c],
        [1, 4, 3, c],
      ],
      op: { kind: 'add', clamp: { lo: 0, hi: 6 } },
      output: quant(0.07, -128),
    },
    { shapes: [[1, 5, 4, c]], op: maxPool({}) },
    { shapes: [[1, 5, 4, c]], op: averagePool({}), output: quant(0.04, 9) },
    { shapes: [[1, 2, 3, c]], op: { kind: 'softmax', axis: 3 }, output: probability },
    { shapes: [[1, 3, 4, c]], op: { kind: 'transpose', perm: [0, 2, 1, 3] } },
    { shapes: [[1, 3, 2, c]], op: { kind: 'pad', pads: [0, 1, 0, 2, 0, 0, 2, 1], value: -1 } },
  ]),
  { shapes: [[1, 7, 6, 5]], op: maxPool({ kernel: [3, 2], pads: [1, 1, 2, 0] }) },
  { shapes: [[1, 7, 6, 5]], op: maxPool({ kernel: [3, 3], strides: [1, 2], pads: [2, 1, 1, 3], dilations: [2, 3] }) },
  { shapes: [[1, 4, 4, 3]], op: maxPool({ kernel: [2, 2], strides: [1, 1], pads: [3, 3, 3, 3] }) },
  { shapes: [[1, 7, 6, 20]], op: averagePool({ kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }) },
  { shapes: [[1, 7, 6, 20]], op: averagePool({ kernel: [3, 3], pads: [1, 1, 1, 1], countIncludePad: true }) },
  { shapes: [[1, 6, 6, 4]], op: averagePool({ kernel: [3, 3], ceilExtra: [1, 1], clamp: { lo: -1, hi: 1 } }) },
  { shapes: [[1, 15, 17, 18]], op: averagePool({ kernel: [15, 17] }), output: quant(0.05, 100) },
  { shapes: [[1, 16, 17, 18]], op: averagePool({ kernel: [16, 17] }), output: quant(0.01, -7) },
  { shapes: [[1, 1, 300, 3]], op: averagePool({ kernel: [1, 300] }) },
  { shapes: [[1, 2, 2, 3]], op: averagePool({ strides: [1, 1] }), input: quant(0.9, 3), output: quant(0.1, 3) },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'softmax', axis: 1 }, output: probability },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'softmax', axis: 2 }, output: { ...probability, qmax: 100 } },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'transpose', perm: [0, 3, 1, 2] } },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'transpose', perm: [0, 3, 2, 1] } },
  { shapes: [[1, 2, 3, 5]], op: { kind: 'pad', pads: [0, 0, 0, 1, 0, 0, 1, 2], value: 100 } },
  { shapes: [[1, 2, 3, 5]], op: relu },
  { shapes: [[1, 2, 3, 5]], op: { kind: 'unary', fn: { name: 'identity' } }, output: quant(0.2, 127) },
  {
    shapes: [
      [1, 2, 3, 5],
      [1, 2, 3, 5],
    ],
    op: { kind: 'add' },
    output: quant(100, 0),
  },
  {
    shapes: [
      [1, 2, 3, 5],
      [1, 2, 3, 5],
    ],
    op: { kind: 'add' },
    output: quant(1e-5, -128),
  },
];

/** Two operands, one of them repeated along some axes. */
const pairs: readonly Operator[] = [
  ...[15, 32].flatMap((c): Operator[] =>
    [
      [1, 4, 3, c],
      [1, 1, 1, c],
      [1, 4, 1, 1],
      [1, 4, 3, 1],
    ].flatMap((second): Operator[] => {
      const shapes = [[1, 4, 3, c], second];
      return [
        { shapes, op: { kind: 'mul' }, output: quant(0.1, -20) },
        { shapes: shapes.toReversed(), op: { kind: 'add', subtract: true, clamp: { lo: -2, hi: 3 } } },
        { shapes, op: { kind: 'extremum', fn: c % 2 === 0 ? 'max' : 'min' } },
      ];
    }),
  ),
  {
    shapes: [
      [1, 4, 3, 20],
      [1, 1, 1, 20],
    ],
    op: { kind: 'mul', requant: 'float32' },
    output: quant(0.1, -20),
  },
  {
    shapes: [
      [1, 4, 3, 20],
      [1, 4, 3, 20],
    ],
    op: { kind: 'mul', clamp: { lo: 0, hi: 6 } },
    output: quant(0.001, -128),
  },
  {
    shapes: [
      [1, 4, 3, 20],
      [1, 1, 3, 1],
    ],
    op: { kind: 'add', requant: 'float32' },
    output: quant(0.06, 7),
  },
  {
    shapes: [
      [1, 1, 3, 20],
      [1, 4, 1, 20],
    ],
    op: { kind: 'mul' },
    input: quant(0.02, -128),
    output: quant(0.003, 3),
  },
];

const slopes = (c: number): Op => ({ kind: 'prelu', slopes: Array.from({ length: c }, (_, i) => ((i % 7) - 2) / 4) });
const part = (starts: number[], steps: number[], sizes: number[]): Op => ({ kind: 'slice', starts, steps, sizes });
const resize = (mode: ResizeOp['mode'], size: Pair, transform: ResizeOp['transform'] = 'half_pixel'): Op => ({
  kind: 'resize',
  mode,
  transform,
  rounding: 'floor',
  scales: [Math.fround(size[0] / 4), Math.fround(size[1] / 3)],
  size,
});

const moved: readonly Operator[] = [
  ...[1, 17, 32].flatMap((c): Operator[] => [
    { shapes: [[1, 4, 3, c]], op: resize('nearest', [8, 6]) },
    { shapes: [[1, 4, 3, c]], op: resize('linear', [8, 6]) },
    { shapes: [[1, 4, 3, c]], op: resize('linear', [3, 10], 'align_corners') },
  ]),
  { shapes: [[1, 4, 3, 5]], op: resize('nearest', [3, 2], 'asymmetric') },
  ...[1, 15, 16, 17].flatMap((c): Operator[] => [
    { shapes: [[1, 4, 3, c]], op: slopes(c), output: quant(0.04, 11) },
    { shapes: [[1, 4, 6, c]], op: { kind: 'spaceToDepth', block: 2 } },
    { shapes: [[1, 2, 3, 4 * c]], op: { kind: 'depthToSpace', block: 2, mode: 'DCR' } },
    { shapes: [[1, 2, 3, 4 * c]], op: { kind: 'depthToSpace', block: 2, mode: 'CRD' } },
    { shapes: [[1, 5, 6, c + 3]], op: part([0, 1, 0, 2], [1, 2, 1, 1], [1, 2, 4, c]) },
    { shapes: [[1, 5, 6, c]], op: part([0, 4, 5, 0], [1, -1, -2, 1], [1, 5, 3, c]) },
  ]),
  { shapes: [[1, 3, 4, 9]], op: part([0, 0, 0, 8], [1, 1, 1, -1], [1, 3, 4, 9]) },
  { shapes: [[1, 4, 3, 5]], op: slopes(5), output: quant(100, 0) },
];

const index = quant(1, -128);
const reduced: readonly Operator[] = [
  ...[1, 15, 17, 40].flatMap((c): Operator[] => [
    { shapes: [[1, 2, 3, c]], op: { kind: 'argMax', axis: 3, last: c % 2 === 0 }, output: index },
    { shapes: [[1, 4, 5, c]], op: averagePool({ kernel: [4, 5], sum: true }), output: quant(0.4, 9) },
    {
      shapes: [[1, 2, 3, c]],
      op: { kind: 'lrn', size: 5, alpha: 0.9, beta: 0.75, bias: 1 },
      output: quant(0.02, 4),
    },
  ]),
  { shapes: [[1, 5, 3, 4]], op: { kind: 'argMax', axis: 1, last: true }, output: index },
  { shapes: [[1, 3, 2, 20]], op: { kind: 'lrn', size: 1, alpha: 3, beta: 1, bias: 2 }, input: quant(1, -128) },
  { shapes: [[1, 3, 2, 9]], op: { kind: 'lrn', size: 11, alpha: 1e-4, beta: 0.75, bias: 1 } },
];

const flat: readonly Operator[] = [
  { shapes: [[7, 256]], op: { kind: 'argMax', axis: 1, last: false }, output: index },
  {
    shapes: [
      [2, 1, 4],
      [1, 3, 4],
    ],
    op: { kind: 'mul' },
  },
  {
    shapes: [
      [2, 3, 4, 2, 3],
      [1, 3, 1, 2, 1],
    ],
    op: { kind: 'add' },
  },
  { shapes: [[6, 35]], op: part([1, 3], [2, 1], [2, 17]) },
  { shapes: [[2, 33]], op: slopes(33) },
  { shapes: [[1, 50]], op: { kind: 'softmax', axis: 1 }, output: probability },
  { shapes: [[1, 1]], op: { kind: 'softmax', axis: 1 }, output: probability },
  { shapes: [[4, 3, 5]], op: { kind: 'transpose', perm: [2, 0, 1] } },
  { shapes: [[2, 3, 2, 3, 2]], op: { kind: 'transpose', perm: [4, 0, 3, 1, 2] } },
  { shapes: [[33]], op: relu },
  {
    shapes: [
      [1, 257],
      [1, 257],
    ],
    op: { kind: 'add' },
  },
  {
    shapes: [
      [2, 3, 4],
      [2, 5, 4],
    ],
    op: { kind: 'concat', axis: 1 },
  },
  {
    shapes: [
      [2, 2, 3],
      [5, 2, 3],
    ],
    op: { kind: 'concat', axis: 0 },
  },
];

/** Two scales in one sum: the operands differ. */
function mixedSum(c: number): Graph {
  const b = new QuantizedGraphBuilder('mixed');
  const sum = b.node({ kind: 'add' }, [
    b.input([1, 3, 3, c], quant(0.3, -128)),
    b.input([1, 3, 3, c], quant(0.002, 90)),
  ]);
  b.output(b.node(relu, [sum]));
  return b.build();
}

/** A copied reshape: a border parts the rows of input, output or both. */
function reshaped(from: Shape, to: Shape): Case {
  const b = new QuantizedGraphBuilder('reshaped');
  const x = b.input(from);
  b.output(b.node(maxPool({ kernel: [1, 1], strides: [1, 1] }), [x]));
  b.output(b.node(maxPool({ kernel: [1, 1], strides: [1, 1] }), [b.node({ kind: 'reshape', shape: to }, [x])]));
  const graph = b.build();
  return { name: '', graph, selections: withBorders(graph, [1, 1, 1, 1]) };
}

function constantOperand(): Graph {
  const b = new QuantizedGraphBuilder('constant');
  const constant = b.constant([1, 2, 2, 3], Int8Array.of(1, -2, 3, -128, 127, 0, 9, 8, -7, 6, 5, -4), someQuant);
  b.output(b.node({ kind: 'add' }, [b.input([1, 2, 2, 3]), constant]));
  b.output(b.node({ kind: 'concat', axis: 2 }, [b.input([1, 2, 5, 3]), constant]));
  return b.build();
}

const cases: readonly Case[] = [
  ...[...images, ...pairs, ...moved, ...reduced, ...flat].map((o) => ({ name: '', graph: graphOf(o) })),
  ...[...images, ...pairs, ...moved, ...reduced].filter((_, i) => i % 2 === 0).map(surrounded),
  ...channelCounts.map((c) => ({ name: '', graph: mixedSum(c) })),
  reshaped([1, 4, 3, 2], [1, 2, 6, 2]),
  reshaped([1, 4, 3, 2], [1, 3, 4, 2]),
  reshaped([1, 6, 3, 2], [1, 4, 3, 3]),
  reshaped([1, 1, 6, 4], [1, 6, 2, 2]),
  { name: '', graph: constantOperand() },
].map((c, i) => ({ ...c, name: `case${i}` }));

describe.each(toolchains)('$name', (toolchain) => {
  it('gives the reference’s bytes for every operator, alone and between borders and slices', async () => {
    expect(await runCases(cases, toolchain)).toBe('');
  });

  it('gives the reference’s bytes for random graphs', async () => {
    const graphs = fc.sample(randomGraphs, { seed: 5, numRuns: 60 });
    expect(
      await runCases(
        graphs.map((g, i) => ({ ...g, name: `random${i}` })),
        toolchain,
      ),
    ).toBe('');
  });
});
