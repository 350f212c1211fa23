#!/usr/bin/env node
import process from 'node:process';
import { reportError } from './cli/command.ts';
import { runCommandLine } from './cli/run.ts';
import { failed } from './core/diagnostics.ts';

// Exit handlers remove temporary folders; the default for these signals would skip them.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
// The reader of a pipe may leave early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  const message = `the output cannot be written: ${error.message}`;
  reportError(failed({ code: 'unwritable-output', message, place: 'stdout' }), false);
  process.exit();
});

await runCommandLine(process.argv.slice(2));
