import type { Graph, Op } from '../../src/graph/types.ts';
import { QuantizedGraphBuilder, quant, someQuant } from '../helpers/quantized-graph.ts';
import { casesOf, channelCounts, checkCases, type Operator, probability, relu } from './one-operator.ts';

const slopes = (c: number): Op => ({ kind: 'prelu', slopes: Array.from({ length: c }, (_, i) => ((i % 7) - 2) / 4) });

const functions: readonly Operator[] = [
  ...channelCounts.map((c): Operator => {
    return { shapes: [[1, 4, 3, c]], op: { kind: 'unary', fn: { name: 'sigmoid' } }, output: probability };
  }),
  { shapes: [[1, 2, 3, 5]], op: relu },
  { shapes: [[33]], op: relu },
  { shapes: [[1, 2, 3, 5]], op: { kind: 'unary', fn: { name: 'identity' } }, output: quant(0.2, 127) },
  ...[1, 15, 16, 17].map((c): Operator => ({ shapes: [[1, 4, 3, c]], op: slopes(c), output: quant(0.04, 11) })),
  { shapes: [[1, 4, 3, 5]], op: slopes(5), output: quant(100, 0) },
  { shapes: [[2, 33]], op: slopes(33) },
];

const sums: readonly Operator[] = [
  ...channelCounts.map((c): Operator => {
    const shape = [1, 4, 3, c];
    return { shapes: [shape, shape], op: { kind: 'add', clamp: { lo: 0, hi: 6 } }, output: quant(0.07, -128) };
  }),
  ...[quant(100, 0), quant(1e-5, -128)].map((output): Operator => {
    const shape = [1, 2, 3, 5];
    return { shapes: [shape, shape], op: { kind: 'add' }, output };
  }),
  {
    shapes: [
      [1, 257],
      [1, 257],
    ],
    op: { kind: 'add' },
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

function constantOperand(): Graph {
  const b = new QuantizedGraphBuilder('constant');
  const constant = b.constant([1, 2, 2, 3], Int8Array.of(1, -2, 3, -128, 127, 0, 9, 8, -7, 6, 5, -4), someQuant);
  b.output(b.node({ kind: 'add' }, [b.input([1, 2, 2, 3]), constant]));
  b.output(b.node({ kind: 'concat', axis: 2 }, [b.input([1, 2, 5, 3]), constant]));
  return b.build();
}

checkCases([
  ...casesOf([...functions, ...sums, ...pairs]),
  ...[...channelCounts.map(mixedSum), constantOperand()].map((graph) => ({ graph })),
]);
