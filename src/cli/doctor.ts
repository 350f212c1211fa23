import Table from 'cli-table3';
import type { Command } from 'commander';
import { examineTools, type Finding, isHealthy } from '../build/doctor.ts';
import { type GlobalOptions, perform, withGlobalOptions } from './command.ts';
import { plainTable, tableText } from './output.ts';

export function addDoctor(program: Command): void {
  withGlobalOptions(program.command('doctor'))
    .description('say which tools are there, what each is needed for, and how to get what is missing')
    .action((options: GlobalOptions) =>
      perform(options, async () => {
        const tools = await examineTools();
        const ok = isHealthy(tools);
        return { json: { healthy: ok, tools }, text: () => describe(tools, ok), ok, exitCode: ok ? 0 : 3 };
      }),
    );
}

function describe(tools: readonly Finding[], ok: boolean): string {
  const table = new Table({ ...plainTable, head: ['', 'tool', 'version', 'needed for'] });
  for (const t of tools) table.push([t.found ? '✓' : t.optional ? '–' : '✗', t.tool, t.version ?? '', t.neededFor]);
  const missing = tools.filter((t) => !t.found);
  const lines = missing.map((t) => `${t.optional ? 'optional' : 'missing'}: ${t.tool}: ${t.howToGet}`);
  return [
    tableText(table),
    ...lines,
    ok ? 'Everything that build and verify need is there.' : 'Some tools are missing.',
  ].join('\n');
}
