import { it } from 'vitest';
import { sizeOf } from '../../src/graph/shape.ts';
import type { Shape } from '../../src/graph/types.ts';
import type { SourceTensor } from '../../src/onnx/model.ts';
import { expectFaithful, type ModelSpec, tensor } from '../onnx/model-helper.ts';

/** Generated models by name, compared with ONNX Runtime: as they stand, imported, and after all passes. */
export type Cases = Readonly<Record<string, ModelSpec>>;

export function check(cases: Cases): void {
  it.each(Object.entries(cases))('%s', async (_name, spec) => {
    await expectFaithful(spec);
  });
}

/** Every combination of one choice for each key. */
export function combinations<T extends Readonly<Record<string, readonly unknown[]>>>(
  choices: T,
): { readonly [K in keyof T]: T[K][number] }[] {
  const keys = Object.keys(choices) as (keyof T)[];
  return keys.reduce<{ [K in keyof T]: T[K][number] }[]>(
    (found, key) => found.flatMap((c) => choices[key]!.map((v) => ({ ...c, [key]: v }))),
    [{} as { [K in keyof T]: T[K][number] }],
  );
}

/** The specs by a name that tells them apart. */
export function named<T>(items: readonly T[], specOf: (item: T) => ModelSpec | undefined | false): Cases {
  const cases: Record<string, ModelSpec> = {};
  for (const item of items) {
    const spec = specOf(item);
    if (spec) cases[JSON.stringify(item)] = spec;
  }
  return cases;
}

/** Values from 0.25 on, for operators without a value at or below 0. */
export function positive(shape: Shape): SourceTensor {
  return tensor(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => 0.25 + (i % 7) / 3),
  );
}
