import type { Graph } from '../graph/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Target } from '../targets/target.ts';
import type { EmittedLayer, StepInfo } from './layer.ts';
import type { BundleLayout } from './layout.ts';
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
  /** `defaultLayout` where absent. */
  readonly layout?: BundleLayout;
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
  readonly layout: BundleLayout;
  /** The program has constants that it loads (`<model>_load`). */
  readonly loadsWeights: boolean;
  /** What every template with a head sees: names, licence. */
  readonly head: FileHead;
}

/** What the emitters of single files share. */
export interface EmitContext extends BundleInfo {
  readonly options: BundleOptions;
  readonly layers: readonly EmittedLayer[];
  readonly hasHarness: boolean;
  /** Stack that the program takes at most, as measured; absent where nothing was compiled. */
  readonly stackBytes?: number;
}

/** The first lines of every generated file, and the prefixes of all names. */
export interface FileHead {
  /** Prefix of all symbols. */
  readonly model: string;
  /** Prefix of all macros. */
  readonly MODEL: string;
  readonly version: string;
  /** Lines about the licence; mostly none. */
  readonly legal: readonly string[];
}
