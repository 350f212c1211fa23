import type { Random } from '../../src/core/random.ts';
import type { Op, Shape, TensorId } from '../../src/graph/types.ts';
import type { QuantizedGraphBuilder } from '../helpers/quantized-graph.ts';
import { pick, randomQuant, someShape } from './random-values.ts';

/** Operators that move values, or a few of them into one. */

export function concatenation(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const shape = someShape(r);
  const axis = r.int(1, shape.length - 1);
  const parts = Array.from({ length: r.int(2, 4) }, () =>
    b.input(
      shape.map((d, i) => (i === axis ? r.int(1, 6) : d)),
      q,
    ),
  );
  return b.node({ kind: 'concat', axis }, parts, q);
}

export function padding(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const shape = someShape(r);
  const pads = [...shape, ...shape].map((_, i) => (i % shape.length === 0 ? 0 : r.int(0, 3)));
  return b.node({ kind: 'pad', pads, value: pick(r, [0, -1.3, 1000]) }, [b.input(shape, q)], q);
}

export function reshaping(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const [from, to] = pick<readonly [Shape, Shape]>(r, [
    [
      [1, 4, 3, 5],
      [1, 60],
    ],
    [
      [1, 60],
      [1, 4, 3, 5],
    ],
    [
      [1, 4, 6, 5],
      [1, 6, 4, 5],
    ],
    [
      [1, 1, 1, 9],
      [1, 9],
    ],
    [
      [1, 6, 4],
      [1, 1, 6, 4],
    ],
    [[1, 6, 4], [24]],
    [
      [6, 4],
      [3, 8],
    ],
  ]);
  return b.node({ kind: 'reshape', shape: to }, [b.input(from, q)], q);
}

export function transposition(b: QuantizedGraphBuilder, r: Random): TensorId {
  const q = randomQuant(r);
  const [shape, perm] = pick<readonly [Shape, readonly number[]]>(r, [
    [
      [1, 4, 3, 5],
      [0, 3, 1, 2],
    ],
    [
      [1, 4, 3, 5],
      [0, 2, 1, 3],
    ],
    [
      [1, 4, 3, 5],
      [3, 0, 2, 1],
    ],
    [
      [1, 4, 3],
      [0, 2, 1],
    ],
    [
      [6, 4],
      [1, 0],
    ],
  ]);
  return b.node({ kind: 'transpose', perm }, [b.input(shape, q)], q);
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
