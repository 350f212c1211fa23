import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import type { Origin } from '../graph/types.ts';

/** How every message names an ONNX node. */
export function placeOf(origin: Origin): string {
  return `node "${origin.name}" (${origin.opType})`;
}

/** The model contradicts itself: shapes or attributes of a node do not fit together. */
export function mismatch(
  origin: Origin,
  message: string,
  hint = 'Check the model with onnx.checker and shape inference.',
): NeonarrowError {
  return reject({ code: 'shape-mismatch', message, place: placeOf(origin), hint });
}
