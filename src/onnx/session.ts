import { InferenceSession } from 'onnxruntime-node';
import { encodeModel } from './encode.ts';
import type { SourceModel } from './model.ts';

/**
 * An ONNX Runtime session; every one of neonarrow is made here.
 * @param threads 0 for as many as there are cores
 */
export async function createSession(model: SourceModel | Uint8Array, threads = 0): Promise<InferenceSession> {
  const bytes = model instanceof Uint8Array ? model : encodeModel(model);
  return InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    // 3: errors only; a folded node's warnings would reach the user's terminal.
    logSeverityLevel: 3,
    // It moves a zero Pad into the MaxPool behind it, where padding never wins: wrong wherever a window's maximum is
    // negative (seen in 1.30), and fails where the pad is as large as the kernel.
    extra: { optimization: { disable_specified_optimizers: 'Pad_Fusion' } },
  });
}
