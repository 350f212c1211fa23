import type { Graph } from '../graph/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Target } from '../targets/target.ts';
import type { EmittedLayer, StepInfo } from './layer.ts';
import type { CPort } from './ports.ts';

/** A file of the bundle; `path` is relative to its folder, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly contents: string | Uint8Array;
}

export interface BundleOptions {
  /** Quantized. */
  readonly graph: Graph;
  readonly plan: Plan;
  readonly target: Target;
  /** Where all names come from; the graph's name where absent. */
  readonly name?: string;
  /** The real input of each pixel value, `channels × 256` (`data/preprocess`), and how it came about, for `<model>_quantize_u8`. */
  readonly pixels?: { readonly table: Float32Array; readonly formula: string };
  /** The name of each class. */
  readonly labels?: readonly string[];
  /** SHA-256 of the model file, in hex. */
  readonly modelHash: string;
  readonly toolVersion: string;
  /** The options that shaped the bundle, for the manifest. No paths, no times: the same input must give the same bytes. */
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

/** What files that others add to the bundle are made from. */
export interface BundleInfo {
  /** Prefix of all symbols, and of the files' names. */
  readonly prefix: string;
  readonly ports: readonly CPort[];
  readonly steps: readonly StepInfo[];
  readonly arenaBytes: number;
}

/** What the emitters of single files share. */
export interface EmitContext extends BundleInfo {
  readonly options: BundleOptions;
  readonly layers: readonly EmittedLayer[];
  readonly hasHarness: boolean;
}
