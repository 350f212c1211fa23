import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { placeOf } from '../ops/errors.ts';
import type { SourceAttributes } from '../ops/source.ts';
import type { ModelNode } from './model.ts';

interface ValueTypes {
  readonly int: number;
  readonly float: number;
  readonly string: string;
  readonly ints: readonly number[];
  readonly floats: readonly number[];
}

/** Typed access to a node's attributes (see SourceAttributes). */
export function attributesOf(node: ModelNode): SourceAttributes {
  const error = (name: string, what: string): NeonarrowError =>
    reject({
      code: 'invalid-model',
      message: `attribute ${name} ${what}`,
      place: placeOf(node),
      hint: 'Check the file with onnx.checker, or export it again.',
    });
  function read<T extends keyof ValueTypes, V>(type: T, name: string, fallback?: V): ValueTypes[T] | V {
    const attribute = node.attributes.get(name);
    if (attribute === undefined) {
      if (fallback === undefined) throw error(name, 'is missing');
      return fallback;
    }
    if (attribute.type !== type) throw error(name, `is of type ${attribute.type}, not ${type}`);
    return (attribute as unknown as { readonly value: ValueTypes[T] }).value;
  }
  return {
    has: (name) => node.attributes.has(name),
    int: (name, fallback) => read('int', name, fallback),
    float: (name, fallback) => read('float', name, fallback),
    string: (name, fallback) => read('string', name, fallback),
    ints: (name, fallback) => read('ints', name, fallback),
    floats: (name, fallback) => read('floats', name, fallback),
  };
}
