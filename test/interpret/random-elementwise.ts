import type { Random } from '../../src/core/random.ts';
import type { Op, Shape, TensorId } from '../../src/graph/types.ts';
import type { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { pick, randomClamp, randomQuant, someShape, withClamp } from './random-values.ts';

/** Operators of two tensors, and those that only move values. */

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

export function prelu(b: QuantizedGraphBuilder, r: Random): TensorId {
  const shape = someShape(r);
  const slopes = Array.from({ length: shape.at(-1)! }, () => Math.fround(r.normal()));
  return b.node({ kind: 'prelu', slopes }, [b.input(shape, randomQuant(r))], randomQuant(r));
}

export function slicing(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const shape = [1, r.int(3, 8), r.int(3, 8), r.int(3, 24)];
  const ranges = shape.map((d) => {
    const [start, size] = [r.int(0, d - 1), 1];
    const step = pick(r, [1, 1, 2, -1]);
    const most = step > 0 ? Math.floor((d - 1 - start) / step) + 1 : start + 1;
    return d === 1 ? { start: 0, step: 1, size } : { start, step, size: r.int(Math.ceil(most / 2), most) };
  });
  const of = (key: 'start' | 'step' | 'size'): number[] => ranges.map((range) => range[key]);
  const op: Op = { kind: 'slice', starts: of('start'), steps: of('step'), sizes: of('size') };
  return b.node(op, [b.input(shape, q)], q);
}

export function blocks(b: QuantizedGraphBuilder, r: Random, kind: 'depthToSpace' | 'spaceToDepth'): TensorId {
  const q = randomQuant(r);
  const [block, h, w, c] = [r.int(2, 3), r.int(1, 4), r.int(1, 4), r.int(1, 9)];
  if (kind === 'spaceToDepth') return b.node({ kind, block }, [b.input([1, h * block, w * block, c], q)], q);
  const mode = pick(r, ['DCR', 'CRD'] as const);
  return b.node({ kind, block, mode }, [b.input([1, h, w, c * block ** 2], q)], q);
}

export function resizing(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const [h, w] = [r.int(1, 6), r.int(1, 6)];
  const transform = pick(r, ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const);
  // Whole sizes for align_corners.
  const thirds = transform === 'align_corners' ? 3 : 1;
  const scaleOf = (extent: number): number =>
    Math.fround((thirds * r.int(thirds === 3 ? 1 : extent > 1 ? 2 : 3, 9 / thirds)) / 3);
  const scales = [scaleOf(h), scaleOf(w)] as const;
  const size = [Math.floor(Math.fround(h * scales[0])), Math.floor(Math.fround(w * scales[1]))] as const;
  const rounding = pick(r, ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const);
  const mode = pick(r, ['nearest', 'linear'] as const);
  const x = b.input([1, h, w, r.int(1, 40)], q);
  return b.node({ kind: 'resize', mode, transform, rounding, scales, size }, [x], q);
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
