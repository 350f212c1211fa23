import process from 'node:process';
import { type Options, Presets, SingleBar } from 'cli-progress';
import { type Progress, silentProgress } from '../core/progress.ts';

const barOptions: Options = {
  format: '{label} {bar} {value}/{total} {eta_formatted}',
  stream: process.stderr,
  clearOnComplete: true,
  hideCursor: true,
  etaBuffer: 50,
};

/** Progress on stderr: a bar in a terminal, one line a step elsewhere (a log file, CI). */
export function terminalProgress(quiet: boolean): Progress {
  if (quiet) return silentProgress;
  return process.stderr.isTTY ? barProgress() : lineProgress();
}

function lineProgress(): Progress {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  return { start: (label) => say(`${label} …`), tick: () => {}, done: () => {}, log: say };
}

function barProgress(): Progress {
  let bar: SingleBar | undefined;
  let step: { label: string; since: number } | undefined;
  const finish = (): void => {
    bar?.stop();
    bar = undefined;
    if (step !== undefined)
      process.stderr.write(`✓ ${step.label} (${((Date.now() - step.since) / 1000).toFixed(1)} s)\n`);
    step = undefined;
  };
  return {
    start(label, total) {
      finish();
      step = { label, since: Date.now() };
      bar = new SingleBar(
        total === undefined ? { ...barOptions, format: '{label} …' } : barOptions,
        Presets.shades_classic,
      );
      bar.start(total ?? 1, 0, { label });
    },
    tick: (n = 1) => bar?.increment(n),
    done: finish,
    log(line) {
      bar?.stop();
      process.stderr.write(`${line}\n`);
      if (step !== undefined && bar !== undefined) bar.start(bar.getTotal(), bar.getProgress(), { label: step.label });
    },
  };
}
