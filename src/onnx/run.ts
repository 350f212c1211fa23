import { invariant } from '../core/diagnostics.ts';
import type { SourceModel, SourceTensor } from './model.ts';
import { type InferenceSession, Tensor as OrtTensor } from './runtime.ts';
import { createSession, type SessionOptions } from './session.ts';

/** Runs a model once in ONNX Runtime: for constant folding and tests, not for throughput. */
export async function runModel(
  model: SourceModel | Uint8Array,
  feeds: ReadonlyMap<string, SourceTensor> = new Map(),
  { optimize = false }: Pick<SessionOptions, 'optimize'> = {},
): Promise<Map<string, SourceTensor>> {
  const session = await createSession(model, { threads: 1, optimize });
  try {
    return await runSession(session, feeds);
  } finally {
    await session.release();
  }
}

/** One run of a session: all outputs by name. */
export async function runSession(
  session: InferenceSession,
  feeds: ReadonlyMap<string, SourceTensor>,
): Promise<Map<string, SourceTensor>> {
  const inputs = Object.fromEntries([...feeds].map(([name, t]) => [name, toOrt(t)]));
  const outputs = await session.run(inputs);
  return new Map(session.outputNames.map((name) => [name, fromOrt(outputs[name]!)]));
}

function toOrt(t: SourceTensor): OrtTensor {
  const { data } = t;
  const values = data instanceof Float64Array ? BigInt64Array.from(data, (v) => BigInt(v)) : data;
  return new OrtTensor(t.dtype, values as OrtTensor['data'] & Float32Array, t.shape);
}

function fromOrt(t: OrtTensor): SourceTensor {
  const shape = t.dims;
  switch (t.type) {
    case 'float32':
    case 'int8':
    case 'uint8':
    case 'int32':
    case 'bool':
      return { shape, dtype: t.type, data: t.data as Float32Array };
    case 'int64':
      return { shape, dtype: 'int64', data: Float64Array.from(t.data as BigInt64Array, Number) };
    case 'float64':
      return { shape, dtype: 'float32', data: Float32Array.from(t.data as Float64Array) };
    default:
      throw invariant(`ONNX Runtime returned a tensor of ${t.type}`);
  }
}
