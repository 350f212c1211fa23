import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Job } from 'kubernetes-models/batch/v1';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/program.ts';

/** The examples for clusters fit Kubernetes' schema and this command line. */

const read = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../examples/cluster/${name}`, import.meta.url)), 'utf8');

function flagsOf(command: string, text: string): string[] {
  const known = createProgram()
    .commands.find((one) => one.name() === command)
    ?.options.map((option) => option.long);
  return [...text.matchAll(/(?<=\s)--[a-z][\w-]*/g)].map(([flag]) => flag).filter((flag) => !known?.includes(flag));
}

test('the Kubernetes job is valid, and its parts are all of the sweep', async () => {
  const manifest = parse(await read('sweep-job.yaml'));
  expect(() => new Job(manifest).validate()).not.toThrow();
  expect(() => new Job({ ...manifest, spec: { ...manifest.spec, completions: 'all' } }).validate()).toThrow();
  const { completionMode, completions, template } = manifest.spec;
  expect(completionMode).toBe('Indexed');
  const [command] = template.spec.containers[0].args as [string];
  expect(command).toContain(`--shard "$((JOB_COMPLETION_INDEX + 1))/${completions}"`);
  expect(command).toMatch(/^neonarrow sweep /);
  expect(flagsOf('sweep', command)).toEqual([]);
});

test('the Slurm script names options that exist, and counts as shards do', async () => {
  const text = await read('regress.slurm');
  expect(text).toMatch(/^#SBATCH --array=1-\d+$/m);
  const [, command = ''] = /^exec (neonarrow regress [\s\S]*)/m.exec(text) ?? [];
  expect(command).toContain('--shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"');
  expect(flagsOf('regress', command)).toEqual([]);
});
