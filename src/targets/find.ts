import { reject } from '../core/diagnostics.ts';
import { targets } from './index.ts';
import type { Target } from './target.ts';

/** The target that `--target` names. Rejects an unknown name, listing those there are. */
export function findTarget(name: string): Target {
  const target = targets.get(name);
  if (target !== undefined) return target;
  throw reject({
    code: 'unknown-target',
    message: `there is no target "${name}"`,
    place: '--target',
    hint: `use one of: ${[...targets.keys()].join(', ')}`,
  });
}
