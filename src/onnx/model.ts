import type { DType, Shape, TensorData } from '../graph/types.ts';

/** An ONNX model as plain data: what `decode` makes from a file's bytes, and `encode` turns into bytes. */
export interface SourceModel {
  readonly graphName: string;
  readonly producer: string;
  /** Domain → version; '' is the default domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Without those that an initializer supplies. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, SourceTensor>;
  /** In topological order, as ONNX requires. */
  readonly nodes: readonly ModelNode[];
}

export interface ModelNode {
  /** Where the file gives none, `<opType>_<index>`. */
  readonly name: string;
  readonly opType: string;
  /** '' for the default domain, also where the file says `ai.onnx`. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

export type AttributeValue =
  | { readonly type: 'int'; readonly value: number }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'ints'; readonly value: readonly number[] }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensor'; readonly value: SourceTensor }
  /** A subgraph, a sparse tensor, …: known to be there, not read. */
  | { readonly type: 'other' };

/** float16 and float64 are held as float32, the remaining integers as int32 or int64. */
export interface SourceTensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TensorData;
}

export interface ValueInfo {
  readonly name: string;
  /** undefined for element types that neonarrow has no use for. */
  readonly dtype: DType | undefined;
  /** The element type's ONNX name, for messages. */
  readonly elementType: string;
  /** A number, a symbol, or undefined where the file says nothing; the whole is undefined where the rank is unknown. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A file's domain name in its short form. */
export function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}
