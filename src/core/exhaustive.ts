import { invariant } from './diagnostics.ts';

/** Makes the compiler name the union member that a `switch` forgot. */
export function exhaustive(value: never): never {
  throw invariant(`unhandled case ${JSON.stringify(value)}`);
}
