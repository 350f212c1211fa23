import type { Random } from '../../src/core/random.ts';
import type { Shape, TensorId } from '../../src/graph/types.ts';
import type { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { pick, randomClamp, randomQuant, someShape, withClamp } from './random-values.ts';

/** Functions of one tensor, and operators of two. */

export function unary(b: QuantizedGraphBuilder, r: Random): TensorId {
  const fn = pick(r, [
    { name: 'identity' },
    { name: 'clip', lo: -0.5, hi: 2 },
    { name: 'leakyRelu', alpha: 0.1 },
    { name: 'sigmoid' },
    { name: 'tanh' },
    { name: 'hardSigmoid', alpha: 0.2, beta: 0.5 },
    { name: 'hardSwish' },
    { name: 'sqrt' },
    { name: 'log' },
    { name: 'reciprocal' },
    { name: 'elu', alpha: 0.7 },
    { name: 'erf' },
  ] as const);
  return b.node({ kind: 'unary', fn }, [b.input(someShape(r), randomQuant(r))], randomQuant(r));
}

export function prelu(b: QuantizedGraphBuilder, r: Random): TensorId {
  const shape = someShape(r);
  const slopes = Array.from({ length: shape.at(-1)! }, () => Math.fround(r.normal()));
  return b.node({ kind: 'prelu', slopes }, [b.input(shape, randomQuant(r))], randomQuant(r));
}

/** A shape that is broadcast to `shape`. */
function repeated(r: Random, shape: Shape): Shape {
  return pick(r, [
    shape,
    shape,
    shape.map((d, i) => (i === shape.length - 1 ? d : 1)),
    shape.map((d) => (r.int(0, 1) ? d : 1)),
  ]);
}

interface Operands {
  readonly inputs: readonly TensorId[];
  /** Product of their scales. */
  readonly scale: number;
}

function operands(b: QuantizedGraphBuilder, r: Random): Operands {
  const shape = someShape(r);
  const [p, q] = [randomQuant(r), randomQuant(r)];
  const x = b.input(shape, p);
  if (r.int(0, 4) === 0) return { inputs: [x, x], scale: p.scale[0]! ** 2 };
  const y = b.input(repeated(r, shape), q);
  return { inputs: r.int(0, 1) ? [x, y] : [y, x], scale: p.scale[0]! * q.scale[0]! };
}

export function addition(b: QuantizedGraphBuilder, r: Random): TensorId {
  const { inputs } = operands(b, r);
  const y = randomQuant(r, 2 ** r.int(-9, 1));
  const op = { kind: 'add', ...(r.int(0, 2) === 0 && { subtract: true as const }) } as const;
  return b.node(withClamp(op, randomClamp(r, y)), inputs, y);
}

export function multiplication(b: QuantizedGraphBuilder, r: Random): TensorId {
  const { inputs, scale } = operands(b, r);
  const y = randomQuant(r, scale * 2 ** r.int(2, 8) * (1 + r.float()));
  const op = { kind: 'mul', ...(r.int(0, 2) === 0 && { requant: 'float32' as const }) } as const;
  return b.node(withClamp(op, randomClamp(r, y)), inputs, y);
}

export function extremum(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const shape = someShape(r);
  const inputs = [b.input(shape, q), b.input(repeated(r, shape), q)];
  return b.node({ kind: 'extremum', fn: pick(r, ['max', 'min'] as const) }, inputs, q);
}
