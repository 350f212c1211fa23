import type { SourceModel, SourceTensor, ValueInfo } from './model.ts';

/**
 * Networks that were exported for a batch of several samples: firmware runs one at a time, so the batch becomes 1.
 * It is one where the first extent of every input and of every output is the same number; targets of Reshape that begin with
 * it are changed too.
 * @param fixed names of the inputs whose shape the user gives: with any of them the file's batch is left alone
 * @returns the model of one sample, and the batch that the file had; the same model where it has none
 */
export function singleSample(
  model: SourceModel,
  fixed: readonly string[],
): { readonly model: SourceModel; readonly batch?: number } {
  const batch = batchOf([...model.inputs, ...model.outputs]);
  if (batch === undefined || fixed.length > 0) return { model };
  const one = <V extends ValueInfo>(value: V): V => ({ ...value, shape: [1, ...(value.shape ?? []).slice(1)] });
  const targets = new Set(model.nodes.flatMap((n) => (n.opType === 'Reshape' ? [n.inputs[1] ?? ''] : [])));
  const initializers = new Map<string, SourceTensor>();
  for (const [name, tensor] of model.initializers) {
    const isTarget = targets.has(name) && tensor.data[0] === batch;
    const data = Float64Array.from(tensor.data, (d, i) => (i === 0 ? 1 : d));
    initializers.set(name, isTarget ? { ...tensor, data } : tensor);
  }
  return { model: { ...model, inputs: model.inputs.map(one), outputs: model.outputs.map(one), initializers }, batch };
}

function batchOf(values: readonly ValueInfo[]): number | undefined {
  const batch = values[0]?.shape?.[0];
  if (typeof batch !== 'number' || batch < 2) return undefined;
  return values.every(({ shape }) => shape !== undefined && shape.length > 1 && shape[0] === batch) ? batch : undefined;
}
