import { isFreePermutation } from '../graph/shape.ts';
import type { Shape } from '../graph/types.ts';
import type { OnnxWriter } from './onnx-writer.ts';

/**
 * Between a tensor's own axis order and the order of the written graph (see OnnxWriter). Where a permutation only moves
 * axes of extent 1, the bytes stay where they are and nothing is written: the caller reshapes anyway.
 */

/** Tensor order → stored order, for rank 4. */
export const storedPermutation = [0, 3, 1, 2];
const tensorPermutation = [0, 2, 3, 1];

/** The stored value as bytes in the tensor's own order; its dimensions may differ where a Reshape follows. */
export function fromStored(writer: OnnxWriter, value: string, shape: Shape): string {
  if (shape.length !== 4 || isFreePermutation(shape, storedPermutation)) return value;
  return writer.node('Transpose', [value], { perm: tensorPermutation });
}

/** A value of the tensor's own dimensions in stored order. */
export function toStored(writer: OnnxWriter, value: string, shape: Shape): string {
  if (shape.length !== 4) return value;
  return writer.node('Transpose', [value], { perm: storedPermutation });
}
