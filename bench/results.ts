import type { BenchResult, BenchRun, LayerBench, Variant } from '../src/bench/bench.ts';
import type { Cycles } from '../src/bench/model-cycles.ts';
import type { VerifiedProgram } from '../src/verify/program.ts';

/** What `bench/results.json` holds: numbers of committed code, all from one run of `npm run bench`. */
export interface Results {
  readonly programs: readonly MeasuredProgram[];
}

export interface MeasuredProgram {
  readonly name: string;
  readonly layers: readonly MeasuredLayer[];
  readonly total: Measurements;
  readonly macs: number;
}

export interface MeasuredLayer {
  readonly name: string;
  readonly kernel: string;
  readonly macs: number;
  /** Of the kernel's cost model. */
  readonly predicted?: number;
  /** By variant, then by compiler. */
  readonly runs: Measurements;
}

export type Measurements = Readonly<Record<Variant, Readonly<Record<string, Measurement>>>>;

export interface Measurement {
  readonly instructions: number;
  readonly mix: Readonly<Record<string, number>>;
  readonly cyclesPerMac?: Cycles;
}

export function measuredOf({ graph }: VerifiedProgram, { runs }: BenchResult): MeasuredProgram {
  const own = runs.find(({ variant }) => variant === 'neonarrow')!;
  const of = (pick: (run: BenchRun) => LayerBench | BenchRun['total'] | undefined): Measurements => {
    const result: Record<Variant, Record<string, Measurement>> = { neonarrow: {}, widen: {}, pairs: {} };
    for (const run of runs) {
      const measured = pick(run);
      if (measured === undefined) continue;
      const { instructions, mix, cyclesPerMac } = measured;
      result[run.variant][run.compiler] = {
        instructions,
        mix,
        ...(cyclesPerMac && { cyclesPerMac: rounded(cyclesPerMac) }),
      };
    }
    return result;
  };
  const layers = own.layers
    .filter(({ kernel }) => !['load', 'store', 'constant'].includes(kernel))
    .map(({ name, kernel, macs, predicted }) => ({
      name,
      kernel,
      macs,
      ...(predicted === undefined ? {} : { predicted }),
      runs: of((run) => run.layers.find((layer) => layer.name === name && layer.kernel !== 'load')),
    }));
  return { name: graph.name, layers, total: of((run) => run.total), macs: own.total.macs };
}

function rounded(cycles: Cycles): Cycles {
  return Object.fromEntries(Object.entries(cycles).map(([cpu, n]) => [cpu, Number(n.toFixed(4))])) as Cycles;
}

/** The compiler whose code takes fewer instructions, first. */
export function byInstructions(measurements: Readonly<Record<string, Measurement>>): [string, Measurement][] {
  return Object.entries(measurements).toSorted(([, a], [, b]) => a.instructions - b.instructions);
}
