import type { Plan } from '../plan/plan.ts';
import type { Feature, Target } from '../targets/target.ts';

/** What compilers define where they may use an extension (Arm C Language Extensions). */
const macros: Readonly<Record<Feature, string>> = {
  neon: '__ARM_NEON',
  dotprod: '__ARM_FEATURE_DOTPROD',
  i8mm: '__ARM_FEATURE_MATMUL_INT8',
};

/**
 * The extensions beyond NEON that the kernels of a bundle use. Its source checks for them: a compiler that was not told of
 * them must not fall back to portable C unnoticed.
 */
export function neededFeatures({ steps }: Plan): { readonly feature: Feature; readonly macro: string }[] {
  const used = steps.flatMap((step) => (step.kind === 'layer' ? (step.kernel.feature ?? []) : []));
  return [...new Set(used)].sort().map((feature) => ({ feature, macro: macros[feature] }));
}

/** The flags without which the target's instructions are refused; none where every compiler for it has them. */
export function archFlags({ triple, cflags }: Target): string {
  const flags = triple === 'host' ? [] : cflags('gcc');
  return flags.join(' ') === '-march=armv8-a' ? '' : flags.join(' ');
}
