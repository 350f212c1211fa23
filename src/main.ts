#!/usr/bin/env node
import process from 'node:process';
import { runCommandLine } from './cli/run.ts';

// Exit handlers remove temporary folders; the default for these signals would skip them.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
// The reader of a pipe may leave early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
  process.exit(1);
});

await runCommandLine(process.argv.slice(2));
