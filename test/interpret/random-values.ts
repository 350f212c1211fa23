import type { Random } from '../../src/core/random.ts';
import type { Clamp, QuantParams, Shape } from '../../src/graph/types.ts';

/** 8 bits, or 4 to 7; any zero point of the range, its ends often. */
export function randomQuant(r: Random, scale = 2 ** r.int(-8, -2) * (1 + r.float())): QuantParams {
  const bits = pick(r, [8, 8, 8, r.int(4, 7)]);
  const [qmin, qmax] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  const zeroPoint = pick(r, [qmin, qmax, 0, r.int(qmin, qmax)]);
  return { scale: [Math.fround(scale)], zeroPoint, qmin, qmax };
}

export function pick<T>(r: Random, choices: readonly T[]): T {
  return choices[r.int(0, choices.length - 1)]!;
}

export function randomClamp(r: Random, y: QuantParams): Clamp | undefined {
  const edge = y.scale[0]! * r.int(2, 40);
  return pick(r, [undefined, { lo: 0, hi: Infinity }, { lo: 0, hi: edge }, { lo: -edge, hi: edge }]);
}

export function withClamp<O extends object>(op: O, clamp: Clamp | undefined): O & { clamp?: Clamp } {
  return clamp === undefined ? op : { ...op, clamp };
}

export function someShape(r: Random): Shape {
  return pick<Shape>(r, [
    [1, r.int(1, 40)],
    [1, r.int(2, 6), r.int(1, 6), r.int(1, 19)],
    [1, r.int(2, 7), r.int(1, 9)],
  ]);
}
