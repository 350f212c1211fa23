import type { Command } from 'commander';
import type { Progress } from '../core/progress.ts';
import type { CompilerKind } from '../targets/target.ts';
import { loadBundle } from '../verify/load.ts';
import type { VerifyResult } from '../verify/result.ts';
import { verifyProgram } from '../verify/verify.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { withCompilers } from './compilers.ts';
import { verificationText } from './tables.ts';
import { wholeNumber } from './words.ts';

type Flags = GlobalOptions & { seed: number; compilers: readonly CompilerKind[] };

export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .argument('<dir...>', 'folders that "neonarrow build" or "neonarrow compile" wrote')
    .description('cross-compile and compare bit for bit with the reference, under QEMU')
    .option('--seed <n>', 'seed of the random vectors', wholeNumber('--seed', 0), 1);
  withGlobalOptions(withCompilers(command)).action((dirs: string[], flags: Flags) =>
    perform(flags, (progress) => run(dirs, flags, progress)),
  );
}

async function run(dirs: readonly string[], { seed, compilers }: Flags, progress: Progress): Promise<Outcome> {
  const bundles: (VerifyResult & { dir: string })[] = [];
  for (const dir of dirs) {
    const { samples, ...program } = await loadBundle(dir);
    bundles.push({ dir, ...(await verifyProgram(dir, program, { samples, seed, compilers, progress })) });
  }
  const ok = bundles.every((b) => b.verified);
  const sum = (of: (b: VerifyResult) => number) => bundles.reduce((total, b) => total + of(b), 0);
  const json = {
    verified: ok,
    mismatches: sum((b) => b.mismatches),
    vectors: sum((b) => b.vectors),
    runs: bundles.flatMap((b) => b.runs.map((r) => ({ dir: b.dir, ...r }))),
    bundles,
  };
  return { json, text: () => bundles.map((b) => `${b.dir}\n${verificationText(b)}`).join('\n\n'), ok };
}
