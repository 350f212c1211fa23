import { InferenceSession } from 'onnxruntime-node';
import { encodeModel } from './encode.ts';
import type { SourceModel } from './model.ts';

/**
 * For every session on models of ours or of users: ONNX Runtime moves a zero Pad into the MaxPool behind it, where padding
 * never wins. That is wrong wherever a window's maximum is negative (seen in 1.30), and fails where the pad is as large
 * as the kernel.
 */
export const withoutPadFusion = { optimization: { disable_specified_optimizers: 'Pad_Fusion' } } as const;

export interface SessionOptions {
  /** 0, the default, for as many as there are cores. */
  readonly threads?: number;
  /** False runs the nodes as they stand, exactly as ONNX specifies them: for single runs and comparisons. */
  readonly optimize?: boolean;
}

/** An ONNX Runtime session for single runs; `interpret/runner.ts` is for throughput. */
export async function createSession(
  model: SourceModel | Uint8Array,
  { threads = 0, optimize = true }: SessionOptions = {},
): Promise<InferenceSession> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  return InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    // Fatal ones only: what fails is thrown, and must not reach the user's terminal a second time.
    logSeverityLevel: 4,
    extra: withoutPadFusion,
  });
}
