import { z } from 'zod';
import type { Shard } from '../core/shard.ts';

const whole = z.number().int();

/** One run of a program's golden vectors. */
const runSchema = z.object({
  /** The emulated CPU model, e.g. `cortex-a53`, `max (bare metal)`. */
  cpu: z.string(),
  ok: z.boolean(),
  vectors: whole,
  mismatches: whole,
  /** What the harness says about the first mismatch, or why there is no result. */
  first: z.string().exactOptional(),
});

/** A bundle, compiled in one way: what it costs, and its runs. */
const programSchema = z.object({
  /** The bundle's folder, as it was named. */
  bundle: z.string(),
  target: z.string(),
  /** `gcc -O2`, `clang -Os, bare metal`: with `bundle` what identifies the program from one run to the next. */
  build: z.string(),
  /** With its version. */
  compiler: z.string(),
  /** SHA-256 of the golden vectors, whose outputs the program must give. */
  expected: z.string(),
  /** Files of the bundle that are not as they were generated: the manifest has other checksums. */
  altered: z.array(z.string()).exactOptional(),
  /** Executed instructions of one inference; absent where they cannot be counted. */
  instructions: whole.exactOptional(),
  /** Bytes. */
  memory: z
    .object({ code: whole, constants: whole, data: whole, arena: whole, stack: whole.exactOptional() })
    .exactOptional(),
  runs: z.array(runSchema),
});

/** What a run of `regress`, or of a shard of it, found. The same programs give the same file: no times. */
export const resultsSchema = z.object({
  kind: z.literal('regress'),
  format: z.literal(1),
  /** Which of how many parts this is; absent where it is the whole. */
  shard: z.object({ index: whole, count: whole }).exactOptional(),
  programs: z.array(programSchema),
});

export type ReplayRun = z.infer<typeof runSchema>;
export type ProgramResult = z.infer<typeof programSchema>;
export type RegressResults = z.infer<typeof resultsSchema>;

export function regressResults(programs: readonly ProgramResult[], shard?: Shard): RegressResults {
  return { kind: 'regress', format: 1, ...(shard && { shard }), programs: [...programs] };
}

/** Every program gave every byte, and there was one. */
export function allEqual({ programs }: RegressResults): boolean {
  return programs.length > 0 && programs.every(({ runs }) => runs.length > 0 && runs.every(({ ok }) => ok));
}
