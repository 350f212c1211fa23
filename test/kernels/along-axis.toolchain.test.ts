import { quant } from '../helpers/quantized-graph.ts';
import { casesOf, channelCounts, checkCases, index, type Operator, probability } from './one-operator.ts';

/** Softmax, ArgMax and LRN. */

const softmaxes: readonly Operator[] = [
  ...channelCounts.map((c): Operator => {
    return { shapes: [[1, 2, 3, c]], op: { kind: 'softmax', axis: 3 }, output: probability };
  }),
  { shapes: [[1, 3, 4, 6]], op: { kind: 'softmax', axis: 1 }, output: probability },
  { shapes: [[1, 3, 4, 6]], op: { kind: 'softmax', axis: 2 }, output: { ...probability, qmax: 100 } },
  { shapes: [[1, 50]], op: { kind: 'softmax', axis: 1 }, output: probability },
  { shapes: [[1, 1]], op: { kind: 'softmax', axis: 1 }, output: probability },
];

const indices: readonly Operator[] = [
  ...[1, 15, 17, 40].map((c): Operator => {
    return { shapes: [[1, 2, 3, c]], op: { kind: 'argMax', axis: 3, last: c % 2 === 0 }, output: index };
  }),
  { shapes: [[1, 5, 3, 4]], op: { kind: 'argMax', axis: 1, last: true }, output: index },
  { shapes: [[7, 256]], op: { kind: 'argMax', axis: 1, last: false }, output: index },
];

const normalizations: readonly Operator[] = [
  ...[1, 15, 17, 40].map((c): Operator => {
    return {
      shapes: [[1, 2, 3, c]],
      op: { kind: 'lrn', size: 5, alpha: 0.9, beta: 0.75, bias: 1 },
      output: quant(0.02, 4),
    };
  }),
  { shapes: [[1, 3, 2, 20]], op: { kind: 'lrn', size: 1, alpha: 3, beta: 1, bias: 2 }, input: quant(1, -128) },
  { shapes: [[1, 3, 2, 9]], op: { kind: 'lrn', size: 11, alpha: 1e-4, beta: 0.75, bias: 1 } },
];

checkCases(casesOf([...softmaxes, ...indices, ...normalizations]));
