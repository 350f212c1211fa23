import type { Random } from '../../src/core/random.ts';
import type { TensorId } from '../../src/graph/types.ts';
import type { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { pick, randomQuant, someShape } from './random-values.ts';

/** Operators along one axis. */

export function softmax(b: QuantizedGraphBuilder, r: Random): TensorId {
  const shape = someShape(r);
  const y = { scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 };
  return b.node({ kind: 'softmax', axis: r.int(1, shape.length - 1) }, [b.input(shape, randomQuant(r))], y);
}

export function normalization(b: QuantizedGraphBuilder, r: Random): TensorId {
  const x = randomQuant(r);
  const op = {
    kind: 'lrn',
    size: 2 * r.int(0, 3) + 1,
    alpha: r.float() * 3,
    beta: pick(r, [0.75, 0.5, 1]),
    bias: 1 + r.float(),
  } as const;
  const input = b.input([1, r.int(1, 4), r.int(1, 4), r.int(3, 40)], x);
  return b.node(op, [input], randomQuant(r, x.scale[0]! * (0.3 + r.float())));
}

export function index(b: QuantizedGraphBuilder, r: Random): TensorId {
  const shape = pick(r, [
    [1, 4, 5, r.int(2, 60)],
    [1, 7, 256],
    [1, r.int(2, 9), 5, 3],
  ] as const);
  const op = { kind: 'argMax', axis: r.int(1, shape.length - 1), last: r.int(0, 1) === 1 } as const;
  return b.node(op, [b.input(shape, randomQuant(r))], { scale: [1], zeroPoint: -128, qmin: -128, qmax: 127 });
}
