import { describe, expect, it } from 'vitest';
import type { AveragePoolOp, Graph, MaxPoolOp, Op, QuantParams, Shape, TensorId } from '../../src/graph/types.ts';
import { type Case, runCases, toolchains } from '../helpers/compile-and-run.ts';
import { QuantizedGraphBuilder, quant, someQuant } from '../helpers/quantized-graph.ts';
import { withBorders } from '../plan/random-graph.ts';

/** One operator at a time, compiled, against the reference. */

/** Around the blocks of 16 in which the kernels work. */
export const channelCounts = [1, 7, 8, 15, 16, 17, 33];
/** The grid of probabilities. */
export const probability = quant(1 / 256, -128);
/** The grid of indices. */
export const index = quant(1, -128);

/** `checkCases` gives the name. */
export type Unnamed = Omit<Case, 'name'>;

export interface Operator {
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
function surrounded({ shapes, op, input = someQuant, output = input }: Operator): Unnamed {
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
  return { graph, selections: withBorders(graph, [1, 2, 0, 1]) };
}

export const relu: Op = { kind: 'unary', fn: { name: 'clip', lo: 0, hi: Infinity } };
export const maxPool = (extra: Partial<MaxPoolOp>): Op => ({
  kind: 'maxPool',
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  dilations: [1, 1],
  ...extra,
});
export const averagePool = (extra: Partial<AveragePoolOp>): Op => ({
  kind: 'averagePool',
  kernel: [2, 2],
  strides: [2, 2],
  pads: [0, 0, 0, 0],
  countIncludePad: false,
  ceilExtra: [0, 0],
  ...extra,
});

/** Alone, and those of four dimensions between borders and slices, too. */
export function casesOf(operators: readonly Operator[]): Unnamed[] {
  const images = operators.filter(({ shapes }) => shapes.every((shape) => shape.length === 4));
  return [...operators.map((o) => ({ graph: graphOf(o) })), ...images.map(surrounded)];
}

/** A test for each toolchain: the compiled cases give the reference's bytes. */
export function checkCases(unnamed: readonly Unnamed[]): void {
  const cases = unnamed.map((c, i) => ({ ...c, name: `case${i}` }));
  describe.each(toolchains)('$name', (toolchain) => {
    it('gives the reference’s bytes', async () => {
      expect(await runCases(cases, toolchain)).toBe('');
    });
  });
}
