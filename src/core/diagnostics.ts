/**
 * The error makers of the whole compiler. Each error has a stable code (tests and scripts may rely on it), the place it
 * is about (an ONNX node, a file, an option) and a hint that says what to do.
 */

/**
 * - `reject`: the user's model, data or options are wrong.
 * - `unsupported`: the input is fine, this version cannot take it yet.
 * - `missing-tool`: a compiler or an emulator is not installed.
 * - `failed`: a check or an external tool ran and failed.
 * - `invariant`: a bug of neonarrow itself.
 */
export type ErrorKind = 'reject' | 'unsupported' | 'missing-tool' | 'failed' | 'invariant';

export interface Diagnostic {
  /** Stable, kebab-case, e.g. `unsupported-operator`. */
  readonly code: string;
  /** One sentence, without the place. */
  readonly message: string;
  /** What the message is about: `node "conv1" (Conv)`, a file path, `--calibrate`. */
  readonly place?: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** Further lines, e.g. the command and its stderr, or one line for each unsupported node. */
  readonly details?: readonly string[];
}

export class NeonarrowError extends Error implements Diagnostic {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly place?: string;
  readonly hint?: string;
  readonly details?: readonly string[];

  constructor(kind: ErrorKind, d: Diagnostic, cause?: unknown) {
    super(d.message, cause === undefined ? undefined : { cause });
    this.name = 'NeonarrowError';
    this.kind = kind;
    this.code = d.code;
    if (d.place !== undefined) this.place = d.place;
    if (d.hint !== undefined) this.hint = d.hint;
    if (d.details !== undefined) this.details = d.details;
  }
}

/** The user's model, data or options are wrong: exit code 2. */
export function reject(d: Diagnostic & { readonly hint: string }, cause?: unknown): NeonarrowError {
  return new NeonarrowError('reject', d, cause);
}

/** Not supported yet: exit code 2. */
export function unsupported(d: Diagnostic & { readonly hint: string }, cause?: unknown): NeonarrowError {
  return new NeonarrowError('unsupported', d, cause);
}

/** A compiler, an emulator or another program is not installed: exit code 3. */
export function missingTool(d: Diagnostic & { readonly hint: string }, cause?: unknown): NeonarrowError {
  return new NeonarrowError('missing-tool', d, cause);
}

/** A check, a compiler or the emulator ran and failed: exit code 1. */
export function failed(d: Diagnostic, cause?: unknown): NeonarrowError {
  return new NeonarrowError('failed', d, cause);
}

/** A bug of neonarrow: exit code 1. */
export function invariant(message: string, place?: string): NeonarrowError {
  return new NeonarrowError('invariant', {
    code: 'internal-error',
    message,
    hint: 'This is a bug in neonarrow; please report it together with the model.',
    ...(place === undefined ? {} : { place }),
  });
}

export type ExitCode = 0 | 1 | 2 | 3;

export function exitCodeOf(error: NeonarrowError): ExitCode {
  switch (error.kind) {
    case 'reject':
    case 'unsupported':
      return 2;
    case 'missing-tool':
      return 3;
    case 'failed':
    case 'invariant':
      return 1;
  }
}

/** The terminal's form: `error[code]: message`, then place, details and hint, one line each. */
export function formatDiagnostic(error: NeonarrowError): string {
  const lines = [`error[${error.code}]: ${error.message}`];
  if (error.place !== undefined) lines.push(`  at ${error.place}`);
  for (const detail of error.details ?? []) lines.push(`  ${detail}`);
  if (error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  return lines.join('\n');
}
