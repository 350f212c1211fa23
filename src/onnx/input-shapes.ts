import { type NeonarrowError, reject, unsupported } from '../core/diagnostics.ts';
import type { Shape } from '../graph/types.ts';
import { isIntegerType } from './integer-values.ts';
import type { SourceModel, ValueInfo } from './model.ts';

/**
 * The shape of each input: the file's, the user's `--input-shape`, and 1 for a symbolic batch (the first axis).
 * @param given by input name
 * @throws reject `dynamic-shape` where an extent stays unknown, `input-shape-mismatch` where the user's does not fit
 */
export function resolveInputShapes(
  model: SourceModel,
  given: Readonly<Record<string, Shape>>,
): ReadonlyMap<string, Shape> {
  for (const name of Object.keys(given)) {
    if (!model.inputs.some((i) => i.name === name)) {
      const names = model.inputs.map((i) => `"${i.name}"`).join(', ');
      throw mismatch(name, `the model has no input "${name}"`, `Its inputs are ${names}.`);
    }
  }
  return new Map(model.inputs.map((input) => [input.name, resolve(input, given[input.name])]));
}

function resolve(input: ValueInfo, given: Shape | undefined): Shape {
  if (input.dtype !== 'float32' && !isIntegerType(input.dtype)) {
    throw unsupported({
      code: 'unsupported-input-type',
      message: `the input holds ${input.elementType}, not float, int8 or uint8`,
      place: `input "${input.name}"`,
      hint: 'Export the model with a float input; conversion from pixels belongs into the recipe.',
    });
  }
  const { shape } = input;
  if (given !== undefined) {
    const fits =
      shape === undefined ||
      (shape.length === given.length && shape.every((d, i) => typeof d !== 'number' || d === given[i]));
    if (fits && given.every((d) => Number.isInteger(d) && d > 0)) return given;
    const message = `--input-shape gives ${given.join('x')}, the model has ${describeShape(shape)}`;
    throw mismatch(input.name, message, 'Change only the extents that the model leaves open.');
  }
  const batched = shape?.map((d, i) => (i === 0 && typeof d !== 'number' ? 1 : d));
  if (batched?.every((d) => typeof d === 'number')) return batched;
  const example = (batched ?? [1, 3, 32, 32]).map((d, i) => (typeof d === 'number' ? d : i === 1 ? 3 : 32)).join('x');
  throw reject({
    code: 'dynamic-shape',
    message: `its shape is ${describeShape(shape)}; all extents but the batch must be known`,
    place: `input "${input.name}"`,
    hint: `Fix them with --input-shape ${input.name}=${example} (with the sizes that you want).`,
  });
}

function describeShape(shape: ValueInfo['shape']): string {
  return shape === undefined ? 'unknown' : shape.map((d) => d ?? '?').join('x') || 'scalar';
}

function mismatch(input: string, message: string, hint: string): NeonarrowError {
  return reject({ code: 'input-shape-mismatch', message, place: `input "${input}"`, hint });
}
