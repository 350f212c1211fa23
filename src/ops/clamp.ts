import type { Clamp } from '../graph/types.ts';
import type { OnnxWriter } from './onnx-writer.ts';

/** Writes Relu or Clip after a value, where a clamp is fused; returns the name of the result. */
export function emitClamp(writer: OnnxWriter, value: string, clamp: Clamp | undefined): string {
  if (clamp === undefined) return value;
  if (clamp.lo === 0 && clamp.hi === Infinity) return writer.node('Relu', [value]);
  const bound = (name: string, v: number): string =>
    Number.isFinite(v) ? writer.constant(name, [], Float32Array.of(v)) : '';
  const bounds = [bound('clip.min', clamp.lo), bound('clip.max', clamp.hi)];
  return writer.node('Clip', [value, ...(bounds[1] === '' ? bounds.slice(0, 1) : bounds)]);
}

/** Both clamps, one after the other. */
export function intersect(a: Clamp | undefined, b: Clamp | undefined): Clamp | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return { lo: Math.min(Math.max(a.lo, b.lo), b.hi), hi: Math.max(Math.min(a.hi, b.hi), b.lo) };
}
