import { z } from 'zod';
import { causeOf, execute, trimmedLines } from '../build/execute.ts';
import type { Tool } from '../build/tools.ts';
import { failed } from '../core/diagnostics.ts';
import type { HotLoop } from './hot-loop.ts';

/** The cores whose scheduling models in LLVM are taken: in order, in order and newer, out of order. */
export const modelledCpus = ['cortex-a53', 'cortex-a55', 'cortex-a72'] as const;
export type ModelledCpu = (typeof modelledCpus)[number];
export type Cycles = Readonly<Record<ModelledCpu, number>>;

/** Enough that what happens before the loop has settled does not count. */
const iterations = 200;

const output = z.object({
  CodeRegions: z.array(z.object({ Name: z.string(), SummaryView: z.object({ TotalCycles: z.number() }) })),
});

/**
 * Modelled cycles of one iteration of each loop: llvm-mca's simulation of the core's pipelines, with every load a hit in
 * the first cache and every branch predicted.
 * @throws failed `model-failed`
 */
export async function modelCycles(tool: Tool, loops: readonly HotLoop[]): Promise<readonly Cycles[]> {
  if (loops.length === 0) return [];
  const text = loops.map(regionText).join('\n');
  const byCpu = await Promise.all(modelledCpus.map(async (cpu) => [cpu, await cyclesOn(tool, cpu, text)] as const));
  return loops.map((_, i) => Object.fromEntries(byCpu.map(([cpu, cycles]) => [cpu, cycles[i]])) as Cycles);
}

function regionText({ instructions }: HotLoop, index: number): string {
  // gcc sign-extends the bytes of vector constants, which LLVM's assembler does not take.
  const body = instructions.map((instruction) => `\t${instruction.replace(/0xf{14}(?=[\da-f]{2}$)/, '0x')}`);
  return [`# LLVM-MCA-BEGIN loop${index}`, ...body, '# LLVM-MCA-END'].join('\n');
}

async function cyclesOn(tool: Tool, cpu: ModelledCpu, text: string): Promise<readonly number[]> {
  const args = ['-mtriple=aarch64-linux-gnu', `-mcpu=${cpu}`, `-iterations=${iterations}`, '--json', '-'];
  const stdin = new TextEncoder().encode(`${text}\n`);
  const outcome = await execute({ command: tool.command, args: [...tool.args, ...args], stdin, timeoutMs: 120_000 });
  const regions = outcome.exitCode === 0 ? parse(outcome.stdout) : undefined;
  if (regions !== undefined) return regions.map(({ SummaryView }) => SummaryView.TotalCycles / iterations);
  throw failed({
    code: 'model-failed',
    message: `${tool.banner} could not model the loops on ${cpu}`,
    details: [`command: ${outcome.commandLine}`, ...trimmedLines(outcome.stderr), `cause: ${causeOf(outcome)}`],
    hint: 'Name an llvm-mca of LLVM 18 or newer in NEONARROW_LLVM_MCA.',
  });
}

function parse(stdout: Uint8Array): z.infer<typeof output>['CodeRegions'] | undefined {
  try {
    return output.parse(JSON.parse(new TextDecoder().decode(stdout))).CodeRegions;
  } catch {
    return undefined;
  }
}
