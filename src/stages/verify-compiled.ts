import { join } from 'node:path';
import { withTempDir } from '../build/temp.ts';
import { NeonarrowError } from '../core/diagnostics.ts';
import { writeBundle } from '../emit/write.ts';
import type { Graph } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import type { VerifyResult } from '../verify/result.ts';
import { type VerifyOptions, verifyProgram } from '../verify/verify.ts';
import type { Compiled } from './compile-bundle.ts';

/**
 * Verifies a bundle before it is written where the user wants it: in a temporary folder, which is gone afterwards.
 * @throws what `verifyProgram` throws, with files named as in the bundle
 */
export async function verifyCompiled(
  { bundle, plan }: Compiled,
  program: { readonly graph: Graph; readonly target: Target },
  options: VerifyOptions,
): Promise<VerifyResult> {
  const { prefix, files } = bundle;
  return withTempDir(async (work) => {
    const dir = join(work, prefix);
    await writeBundle(dir, files);
    return verifyProgram(dir, { ...program, prefix, plan }, options).catch((error: unknown) => {
      throw error instanceof NeonarrowError ? withoutFolder(error, dir) : error;
    });
  });
}

/** The error without the temporary folder in what it names, and with what to do since no bundle is left to look at. */
function withoutFolder(error: NeonarrowError, dir: string): NeonarrowError {
  const { kind, code, message, place, hint, details } = error;
  const relative = (text: string) => text.replaceAll(`${dir}/`, '').replaceAll(dir, 'the bundle');
  const advice =
    'no bundle was written; "neonarrow quantize" and "neonarrow compile" write one without compiling its C';
  return new NeonarrowError(
    kind,
    {
      code,
      message: relative(message),
      hint: hint === undefined ? advice : `${hint} (${advice})`,
      ...(place !== undefined && { place: relative(place) }),
      ...(details !== undefined && { details: details.map(relative) }),
    },
    error,
  );
}
