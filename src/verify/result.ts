import type { StepCoverage } from './coverage.ts';

/** One run of all vectors. */
export interface VerifyRun {
  /** E.g. `gcc 12.2.0`. */
  readonly compiler: string;
  /** E.g. `-O2`. */
  readonly opt: string;
  /** The emulated CPU model, or `host`. */
  readonly cpu: string;
  /** True for a run under AddressSanitizer and UndefinedBehaviorSanitizer. */
  readonly sanitized: boolean;
  readonly ok: boolean;
  readonly mismatches: number;
  readonly milliseconds: number;
}

/** The stack that the program takes, without `memcpy` and `memset`. */
export interface StackUse {
  readonly compiler: string;
  readonly opt: string;
  readonly bytes: number;
}

/** The first difference of the first run that has one. */
export interface Mismatch {
  /** What the harness says about it, one line. */
  readonly line: string;
  readonly vector: number;
  /** `sample 3`, `layer "conv1", extreme 0`. */
  readonly what: string;
  readonly run: Pick<VerifyRun, 'compiler' | 'opt' | 'cpu'>;
  /** Absent where the difference is in no layer's output, as in bytes around the arena. */
  readonly layer?: string;
  readonly step?: number;
  /** Element in the layer's output, row-major, channels last. */
  readonly index?: number;
  readonly expected?: number;
  readonly actual?: number;
}

export interface VerifyResult {
  /** True where there was something to compare, and all of it was equal in each run. */
  readonly verified: boolean;
  /** Over all runs. */
  readonly mismatches: number;
  /** Vectors of each run. */
  readonly vectors: number;
  /** Bytes compared in each run. */
  readonly bytes: number;
  readonly runs: readonly VerifyRun[];
  /** By compiler, optimized as a user would. */
  readonly stack: readonly StackUse[];
  readonly firstMismatch?: Mismatch;
  /** For each step what the vectors try, and what was left out for lack of time. */
  readonly coverage: readonly StepCoverage[];
}

/** The stack for any of the compilers, in whole KiB, since other versions of them differ a little. */
export function stackBytes({ stack }: Pick<VerifyResult, 'stack'>): number {
  return 1024 * Math.ceil(Math.max(...stack.map(({ bytes }) => bytes)) / 1024);
}

/** What one run of the harness printed. */
export interface HarnessReport {
  readonly vectors: number;
  readonly bytes: number;
  readonly mismatches: number;
  /** The line about the first mismatch. */
  readonly first?: string;
}

/** Reads the harness's output; undefined where its closing line is missing. */
export function parseReport(stdout: string): HarnessReport | undefined {
  const summary = /^vectors (\d+) bytes (\d+) mismatches (\d+)$/m.exec(stdout);
  if (summary === null) return undefined;
  const [, vectors, bytes, mismatches] = summary;
  const first = /^mismatch vector .*$/m.exec(stdout)?.[0];
  return {
    vectors: Number(vectors),
    bytes: Number(bytes),
    mismatches: Number(mismatches),
    ...(first === undefined ? {} : { first }),
  };
}

/** @param descriptions what each vector is */
export function parseMismatch(line: string, run: VerifyRun, descriptions: readonly string[]): Mismatch {
  const vector = Number(/^mismatch vector (\d+)/.exec(line)?.[1] ?? -1);
  const { compiler, opt, cpu } = run;
  const common = { line, vector, what: descriptions[vector] ?? 'unknown', run: { compiler, opt, cpu } };
  const layer = /layer "(.*)" \(step (\d+)\)/.exec(line);
  if (layer === null) return common;
  const place = { ...common, layer: layer[1]!, step: Number(layer[2]) };
  const values = /\) index (\d+) expected (-?\d+) actual (-?\d+)$/.exec(line);
  if (values === null) return place;
  return { ...place, index: Number(values[1]), expected: Number(values[2]), actual: Number(values[3]) };
}

/** One line for people: where, what was expected and found, on which input, in which run. */
export function describeMismatch(mismatch: Mismatch): string {
  const { layer, step, index, expected, actual, what, line, run } = mismatch;
  const on = `${what}; ${run.compiler} ${run.opt}, ${run.cpu}`;
  if (layer === undefined || index === undefined) return `${line.replace(/^mismatch vector \d+ /, '')} (${on})`;
  return `layer "${layer}" (step ${step}), index ${index}: expected ${expected}, actual ${actual} (${on})`;
}
