import { encodeModel } from './encode.ts';
import type { SourceModel } from './model.ts';
import { InferenceSession } from './runtime.ts';

/**
 * ONNX Runtime moves a zero Pad into the MaxPool behind it, where padding never wins. That is wrong wherever a window's
 * maximum is negative (seen in 1.30), and fails where the pad is as large as the kernel.
 */
const withoutPadFusion = { optimization: { disable_specified_optimizers: 'Pad_Fusion' } } as const;

export interface SessionOptions {
  /** 0, the default, for as many as there are cores. */
  readonly threads?: number;
  /** False runs the nodes as they stand, exactly as ONNX specifies them: for comparisons. */
  readonly optimize?: boolean;
}

/**
 * An ONNX Runtime session; every one of neonarrow is made here.
 * @param model a string is a file's path: its external data is found next to it
 */
export async function createSession(
  model: SourceModel | Uint8Array | string,
  { threads = 0, optimize = true }: SessionOptions = {},
): Promise<InferenceSession> {
  const settings: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    // Fatal ones only: what fails is thrown, and must not reach the user's terminal a second time.
    logSeverityLevel: 4,
    extra: withoutPadFusion,
  };
  if (typeof model === 'string') return InferenceSession.create(model, settings);
  return InferenceSession.create(model instanceof Uint8Array ? model : encodeModel(model), settings);
}
