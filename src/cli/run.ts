import process from 'node:process';
import { CommanderError } from 'commander';
import { reject } from '../core/diagnostics.ts';
import { reportError } from './command.ts';
import { runElsewhere } from './in-docker.ts';
import { createProgram } from './program.ts';

/**
 * Runs one command line, without `node` and the program's name, and sets the exit code. What is wrong with the words
 * themselves is reported in the same form as everything else: exit code 2.
 */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  try {
    const elsewhere = await runElsewhere(words);
    if (elsewhere === undefined) await createProgram().parseAsync(words, { from: 'user' });
    else process.exitCode = elsewhere;
  } catch (error) {
    if (!(error instanceof CommanderError)) reportError(error, words.includes('--json'));
    // Help and the version are printed already. Help that nobody asked for is an error.
    else if (error.code === 'commander.help') process.exitCode = 2;
    else if (error.exitCode !== 0) reportError(usageError(error, words), words.includes('--json'));
  }
}

function usageError(error: CommanderError, [command]: readonly string[]): unknown {
  const isCommand = createProgram().commands.some((known) => known.name() === command);
  // Commander puts its suggestion, "(Did you mean --out?)", on a line of its own.
  const [message = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = more
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1 ');
  return reject(
    {
      code: 'bad-usage',
      message,
      place: 'the command line',
      hint: `${suggestion}"neonarrow ${isCommand ? `${command} ` : ''}--help" lists what there is.`,
    },
    error,
  );
}
