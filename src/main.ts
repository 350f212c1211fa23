#!/usr/bin/env node
import process from 'node:process';
import { CommanderError } from 'commander';
import { createProgram } from './cli/program.ts';

/** Unknown commands and options are the user's input: exit code 2 (commander has printed what is wrong). */
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
