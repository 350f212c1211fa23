import { Command } from 'commander';
import { version } from '../core/version.ts';
import { addBench } from './bench.ts';
import { addBuild } from './build.ts';
import { addCompile } from './compile.ts';
import { addDoctor } from './doctor.ts';
import { addEvaluate } from './evaluate.ts';
import { addInspect } from './inspect.ts';
import { addMerge } from './merge.ts';
import { addQuantize } from './quantize.ts';
import { addRegress } from './regress.ts';
import { addReport } from './report.ts';
import { addSweep } from './sweep.ts';
import { addVerify } from './verify.ts';

/** The command line (DESIGN §10). */
export function createProgram(): Command {
  const program = new Command('neonarrow')
    .description(
      'Compiles ONNX networks to C for Arm Cortex-A whose NEON loops accumulate in 16 bits, and proves that nothing overflows.',
    )
    .version(version)
    .configureHelp({ helpWidth: 110 })
    // `runCommandLine` reports errors, in the form of all others.
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  // Subcommands made by `command()` inherit these settings.
  for (const add of [
    addBuild,
    addQuantize,
    addSweep,
    addCompile,
    addVerify,
    addRegress,
    addMerge,
    addEvaluate,
    addBench,
    addReport,
    addInspect,
    addDoctor,
  ])
    add(program);
  program.addHelpText('after', '\nExit codes: 0 good, 1 the check failed, 2 the input is wrong, 3 a tool is missing.');
  return program;
}
