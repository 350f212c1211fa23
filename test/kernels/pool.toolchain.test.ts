import { quant } from '../helpers/quantized-graph.ts';
import { averagePool, casesOf, channelCounts, checkCases, maxPool, type Operator } from './one-operator.ts';

const pools: readonly Operator[] = [
  ...channelCounts.map((c): Operator => ({ shapes: [[1, 5, 4, c]], op: maxPool({}) })),
  ...channelCounts.map((c): Operator => ({ shapes: [[1, 5, 4, c]], op: averagePool({}), output: quant(0.04, 9) })),
  ...[1, 15, 17, 40].map((c): Operator => {
    return { shapes: [[1, 4, 5, c]], op: averagePool({ kernel: [4, 5], sum: true }), output: quant(0.4, 9) };
  }),
  { shapes: [[1, 7, 6, 5]], op: maxPool({ kernel: [3, 2], pads: [1, 1, 2, 0] }) },
  { shapes: [[1, 7, 6, 5]], op: maxPool({ kernel: [3, 3], strides: [1, 2], pads: [2, 1, 1, 3], dilations: [2, 3] }) },
  { shapes: [[1, 4, 4, 3]], op: maxPool({ kernel: [2, 2], strides: [1, 1], pads: [3, 3, 3, 3] }) },
  // Windows in the padding altogether.
  ...[false, true].flatMap((countIncludePad) =>
    [{}, { requant: 'float32' } as const].map((requant): Operator => {
      const op = averagePool({ strides: [1, 1], pads: [3, 0, 4, 2], countIncludePad, ...requant });
      return { shapes: [[1, 4, 5, 20]], op, input: quant(0.05, 40), output: quant(0.05, -3) };
    }),
  ),
  { shapes: [[1, 3, 3, 4]], op: averagePool({ strides: [3, 3], pads: [3, 3, 2, 2] }), input: quant(0.05, 40) },
  { shapes: [[1, 7, 6, 20]], op: averagePool({ kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }) },
  { shapes: [[1, 7, 6, 20]], op: averagePool({ kernel: [3, 3], pads: [1, 1, 1, 1], countIncludePad: true }) },
  { shapes: [[1, 6, 6, 4]], op: averagePool({ kernel: [3, 3], ceilExtra: [1, 1], clamp: { lo: -1, hi: 1 } }) },
  { shapes: [[1, 15, 17, 18]], op: averagePool({ kernel: [15, 17] }), output: quant(0.05, 100) },
  { shapes: [[1, 16, 17, 18]], op: averagePool({ kernel: [16, 17] }), output: quant(0.01, -7) },
  { shapes: [[1, 1, 300, 3]], op: averagePool({ kernel: [1, 300] }) },
  { shapes: [[1, 2, 2, 3]], op: averagePool({ strides: [1, 1] }), input: quant(0.9, 3), output: quant(0.1, 3) },
];

checkCases(casesOf(pools));
