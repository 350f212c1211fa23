import type { BenchResult } from '../bench/bench.ts';
import { grouped } from '../core/format.ts';

/** What one inference costs, by compiler. */
export function benchView({ runs, notes }: BenchResult) {
  return {
    notes,
    runs: runs.map(({ compiler, opt, total }) => ({
      compiler,
      opt,
      instructions: grouped(total.instructions),
      perMac: total.instructionsPerMac === undefined ? '' : total.instructionsPerMac.toFixed(4),
      cycles: Object.entries(total.cyclesPerMac ?? {})
        .map(([cpu, value]) => `${cpu} ${value.toFixed(3)}`)
        .join(', '),
    })),
  };
}
