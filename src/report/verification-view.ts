import { grouped } from '../core/format.ts';
import type { LoadedBundle } from '../verify/load.ts';
import { describeMismatch, type VerifyResult } from '../verify/result.ts';

/** The comparison of the compiled program with the reference. */
export function verificationView(result: VerifyResult, { plan }: Pick<LoadedBundle, 'plan'>) {
  const { verified, mismatches, vectors, bytes, runs, firstMismatch } = result;
  return {
    verified,
    verdict: verified ? 'verified, 0 mismatches' : `NOT VERIFIED, ${grouped(mismatches)} mismatches`,
    scope: `${grouped(vectors)} inputs, ${grouped(bytes)} bytes of ${grouped(plan.steps.length)} steps' outputs compared in each run`,
    first: firstMismatch === undefined ? '' : describeMismatch(firstMismatch),
    runs: runs.map(({ compiler, opt, cpu, sanitized, ok, mismatches }) => ({
      compiler,
      opt,
      cpu,
      sanitized: sanitized ? 'ASan, UBSan' : '',
      result: ok ? 'equal' : `${grouped(mismatches)} mismatches`,
      ok,
    })),
  };
}
