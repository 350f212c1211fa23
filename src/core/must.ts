import { invariant } from './diagnostics.ts';

/** The value, where the surrounding code has made sure that there is one. */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw invariant(`${what} is missing`);
  return value;
}
