import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { execute } from '../../src/build/execute.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { networks } from './index.ts';
import type { Network } from './network.ts';
import { type Row, withRow } from './table.ts';

/**
 * `npm run networks [-- NAME…]`: builds networks at full size through the command line, as a user does, and writes what came
 * of it to docs/networks.md. Without names all of them, which takes hours.
 */

const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/networks.md');

/** A command's JSON, and the seconds of processor time that it and all its compilers and emulators took. */
async function neonarrow(...words: readonly string[]): Promise<{ json: Record<string, number>; seconds: number }> {
  const timed = `TIMEFORMAT='%U %S'; time "$@"`;
  const args = ['-c', timed, 'bash', process.execPath, join(root, 'dist/main.js'), ...words, '--json', '--quiet'];
  const { stdout, stderr, exitCode = 3 } = await execute({ command: 'bash', args });
  if (exitCode > 1) throw new Error(stderr);
  const [user = 0, system = 0] = (/(\S+ \S+)\s*$/.exec(stderr)?.[1] ?? '').split(' ').map(Number);
  return { json: JSON.parse(new TextDecoder().decode(stdout)) as Record<string, number>, seconds: user + system };
}

async function measure({ name, source, build }: Network, folder: string): Promise<Row> {
  const model = join(folder, 'network.onnx');
  await writeFile(model, encodeModel(build()));
  const { json: facts } = await neonarrow('inspect', model);
  const words = ['build', model, '--calibrate', 'random:64', '--out', join(folder, 'out')];
  const { json: built, seconds } = await neonarrow(...words);
  return {
    ...{ name, source, parameters: facts['parameters']!, macs: facts['macs']!, seconds },
    ...{ arenaBytes: built['arenaBytes']!, weightBytes: built['weightBytes']!, vectors: built['vectors']! },
    verdict: built['verified'] ? 'yes' : `no, ${built['mismatches']} mismatches`,
  };
}

const names = process.argv.slice(2).filter((word) => word !== '--');
for (const network of networks.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const folder = await mkdtemp(join(tmpdir(), 'neonarrow-networks-'));
  try {
    const row = await measure(network, folder);
    await writeFile(page, withRow(await readFile(page, 'utf8'), row));
    process.stdout.write(`${row.name}: verified ${row.verdict}, ${Math.round(row.seconds)} s\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
