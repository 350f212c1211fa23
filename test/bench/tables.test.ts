import { describe, expect, it } from 'vitest';
import { type BenchResult, type BenchRun, bestRun, type Variant } from '../../src/bench/bench.ts';
import { baselineText, benchText } from '../../src/cli/bench-tables.ts';

const mix = { multiply: 800, flush: 20, load: 120, store: 20, other: 40 };
const cycles = { 'cortex-a53': 0.2204, 'cortex-a55': 0.1916, 'cortex-a72': 0.125 };

function run(variant: Variant, compiler: string, instructions: number, modelled = true): BenchRun {
  const macs = 6400;
  const count = { instructions, mix, macs, instructionsPerMac: instructions / macs };
  const all = { ...count, ...(modelled ? { cyclesPerMac: cycles } : {}) };
  return {
    variant,
    compiler,
    opt: '-O2',
    layers: [
      { step: 0, name: 'load', kernel: 'load', macs: 0, instructions: 10, mix: { load: 6, store: 4 } },
      { step: 1, name: '/features/block7/expansion/Conv', kernel: 'conv-k-lanes-flush', ...all },
    ],
    total: all,
  };
}

function result(modelled = true): BenchResult {
  const runs = (['neonarrow', 'widen', 'pairs'] as const).flatMap((variant, i) => [
    run(variant, 'gcc 12.2.0', 1000 + 500 * i, modelled),
    run(variant, 'clang 19.1.7', 950 + 500 * i, modelled),
  ]);
  return { runs, notes: modelled ? [] : ['no modelled cycles: llvm-mca is not installed'] };
}

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));

describe('the tables of bench', () => {
  it('say what each layer costs, in lines that fit a terminal', () => {
    const text = benchText(result());
    expect(text).toContain('gcc 12.2.0 -O2');
    expect(text).toMatch(
      /…ock7\/expansion\/Conv +conv-k-lanes-flush +1,000 +0\.1563 +1\.25 +80 +2 +12 +2 +4 +220 +192 +125/,
    );
    expect(text).toContain('modelled cycles of the hot loop');
    expect(widest(text)).toBeLessThanOrEqual(120);
  });

  it('leave the modelled cycles out without llvm-mca, and say so', () => {
    const text = benchText(result(false));
    expect(text).not.toContain('a72');
    expect(text).toContain('no modelled cycles: llvm-mca is not installed');
    expect(baselineText(result(false))).not.toContain('a72');
  });

  it('put the baselines’ ratios side by side', () => {
    const text = baselineText(result());
    expect(text).toMatch(/0\.1563 +0\.2344 +1\.50× +0\.3125 +2\.00× +1\.00× +1\.00×/);
    expect(text).toContain('widen: 1.53 times the instructions; pairs: 2.05 times the instructions');
    expect(widest(text)).toBeLessThanOrEqual(120);
  });

  it('take the compiler with fewer instructions as a variant’s best', () => {
    expect(bestRun(result()).compiler).toBe('clang 19.1.7');
    expect(bestRun(result(), 'pairs').total.instructions).toBe(1950);
  });
});
