import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { benchProgram } from '../bench/bench.ts';
import { grouped } from '../core/format.ts';
import type { Progress } from '../core/progress.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import { bundlePage } from '../report/bundle-page.ts';
import type { Measured } from '../report/measured.ts';
import type { CompilerKind } from '../targets/target.ts';
import { alteredFiles } from '../verify/altered.ts';
import { type LoadedBundle, loadBundle } from '../verify/load.ts';
import { verifyProgram } from '../verify/verify.ts';
import { type GlobalOptions, type Outcome, perform, withGlobalOptions } from './command.ts';
import { withCompilers } from './compilers.ts';

type Flags = GlobalOptions & {
  out?: string;
  verify?: boolean;
  bench?: boolean;
  compilers: readonly CompilerKind[];
};

export function addReport(program: Command): void {
  const command = program
    .command('report')
    .argument('<dir>', 'folder that "neonarrow build" or "neonarrow compile" wrote')
    .description('an HTML page about a bundle: its layers, the proof of each output channel, memory, files')
    .option('-o, --out <file>', 'the page (default: DIR.html, beside the folder)')
    .option('--verify', 'verify the bundle, too, and show the result')
    .option('--bench', 'count its instructions, too, and show them');
  withGlobalOptions(withCompilers(command)).action((dir: string, flags: Flags) =>
    perform(flags, (progress) => run(dir, flags, progress)),
  );
}

async function run(dir: string, flags: Flags, progress: Progress): Promise<Outcome> {
  // Not in the folder: a bundle is what its manifest lists, and is replaced as a whole.
  const path = flags.out ?? join(dir, '..', `${basename(resolve(dir))}.html`);
  const bundle = await loadBundle(dir);
  await requireWritable(path);
  const altered = await alteredFiles(dir, bundle.manifest.files);
  const measured = await measure(dir, bundle, flags, progress);
  const { html, provenChannels, measuredChannels } = await bundlePage({ ...bundle, altered, ...measured });
  await writeFileSafely(path, html);
  const { verification, bench } = measured;
  const facts = { report: path, provenChannels, measuredChannels, altered };
  return {
    json: { ...facts, ...(verification && { verification }), ...(bench && { bench }) },
    text: () =>
      [
        path,
        `${grouped(provenChannels)} output channels proven, ${grouped(measuredChannels)} measured only`,
        ...altered.map((file) => `${file}: not as it was generated`),
        ...(verification === undefined ? [] : [`${grouped(verification.mismatches)} mismatches`]),
      ].join('\n'),
    ok: altered.length === 0 && verification?.verified !== false,
  };
}

async function measure(
  dir: string,
  { samples, ...program }: LoadedBundle,
  { verify = false, bench = false, compilers }: Flags,
  progress: Progress,
): Promise<Measured> {
  const verification = verify
    ? await verifyProgram(dir, program, { samples, seed: 1, compilers, progress })
    : undefined;
  const counted = bench ? await benchProgram(dir, program, { progress }) : undefined;
  return { ...(verification && { verification }), ...(counted && { bench: counted }) };
}
