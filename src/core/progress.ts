/**
 * What long work reports while it runs. The terminal's bar lives in `cli/`; everything below it sees this interface, so
 * that no library code writes to the terminal.
 */
export interface Progress {
  /** A new step begins; `total` is the number of ticks that it will take, where known. Ends the step before it. */
  start(label: string, total?: number): void;
  /** `n` more units of the current step are done; 1 without an argument. */
  tick(n?: number): void;
  /** The current step is over. */
  done(): void;
  /** A line for the user which stays on the screen, e.g. a warning. */
  log(line: string): void;
}

/** Says nothing: for tests, for `--quiet`, and where no progress was asked for. */
export const silentProgress: Progress = {
  start: () => {},
  tick: () => {},
  done: () => {},
  log: () => {},
};
