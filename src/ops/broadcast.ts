import { formatShape, sameShape, sizeOf, stridesOf } from '../graph/shape.ts';
import type { Origin, Shape, Tensor } from '../graph/types.ts';
import { mismatch } from './errors.ts';
import type { Importer } from './source.ts';

/** What operators of two tensors share: axes of extent 1 are repeated to the other's extent. */

/** The shape of the result; rejects shapes that do not fit. */
export function broadcastShape(origin: Origin, inputs: readonly Tensor[]): Shape {
  const [a, b] = inputs.map((t) => t.shape) as [Shape, Shape];
  const fits = a.length === b.length && a.every((d, i) => d === b[i] || d === 1 || b[i] === 1);
  if (!fits) throw mismatch(origin, `the operands are ${formatShape(a)} and ${formatShape(b)}`);
  return a.map((d, i) => Math.max(d, b[i]!));
}

/** For each element of the output the element of an operand of `shape`. */
export function broadcastIndices(shape: Shape, output: Shape): Int32Array {
  if (sameShape(shape, output)) return Int32Array.from({ length: sizeOf(output) }, (_, i) => i);
  const [from, to] = [stridesOf(shape), stridesOf(output)];
  const index = (i: number): number =>
    output.reduce((at, d, axis) => at + (shape[axis] === 1 ? 0 : (Math.floor(i / to[axis]!) % d) * from[axis]!), 0);
  return Int32Array.from({ length: sizeOf(output) }, (_, i) => index(i));
}

/** Two inputs of an ONNX node, brought to one rank by leading axes of extent 1. */
export function alignedInputs(im: Importer, first = 0): [Tensor, Tensor] {
  const [a, b] = [im.input(first), im.input(first + 1)];
  return alignedTensors(im, a, b);
}

export function alignedTensors(im: Importer, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const rank = Math.max(a.shape.length, b.shape.length, 1);
  const align = (t: Tensor): Tensor => {
    if (t.shape.length === rank) return t;
    const shape = [...new Array<number>(rank - t.shape.length).fill(1), ...t.shape];
    if (t.data === undefined) return im.emit({ kind: 'reshape', shape }, [t.id]);
    const id = im.addConstant(t.id, shape, t.data, t.quant?.axis === undefined ? t.quant : undefined);
    return { ...t, id, shape };
  };
  return [align(a), align(b)];
}
