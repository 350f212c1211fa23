import { expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Shape } from '../../src/graph/types.ts';
import type { SourceModel, SourceTensor } from '../../src/onnx/model.ts';
import { agreement } from '../helpers/runtime-agreement.ts';
import { buildModel, type ModelSpec, scalar, tensor } from './model-helper.ts';

/** Models in QOperator form, as ONNX Runtime's quantizer writes them. */

type Integer = 'int8' | 'uint8';

export const microsoft = 'com.microsoft';

/** Random int8 values from `-most` to `most`. */
export function steps(shape: Shape, seed: number, most: number): SourceTensor {
  const random = createRandom(seed);
  return tensor(
    shape,
    Int8Array.from({ length: sizeOf(shape) }, () => random.int(-most, most)),
  );
}

/** Scale and zero point `<name>_s`, `<name>_z`; the zero point of int8, which is 128 higher in uint8. */
export function grid(name: string, dtype: Integer, scale: number, zeroPoint: number): Record<string, SourceTensor> {
  const zero = dtype === 'int8' ? Int8Array.of(zeroPoint) : Uint8Array.of(zeroPoint + 128);
  return { [`${name}_s`]: scalar(scale), [`${name}_z`]: tensor([], zero) };
}

/** The grids of `x` and `y`. */
export const int8Grids = { ...grid('x', 'int8', 0.03, -7), ...grid('y', 'int8', 0.05, 4) };

/** Names of tensors, each with its scale and zero point, as the inputs of such operators go. */
export function q(...names: string[]): string[] {
  return names.flatMap((name) => [name, `${name}_s`, `${name}_z`]);
}

/** A model whose inputs are int8 or uint8. */
export function integerModel(dtype: Integer, spec: ModelSpec): SourceModel {
  const model = buildModel(spec);
  return { ...model, inputs: model.inputs.map((i) => ({ ...i, dtype, elementType: dtype })) };
}

/** A test of each int8 model: the program gives the integers of ONNX Runtime. */
export function checkIntegers(cases: Readonly<Record<string, ModelSpec>>): void {
  it.each(Object.entries(cases))('%s', async (_, spec) => {
    const result = await agreement(integerModel('int8', spec), { samples: 6 });
    expect(result.values).toBeGreaterThan(20);
    expect(result).toMatchObject({ differing: 0, maxSteps: 0 });
  });
}
