import { armv8a } from './armv8-a.ts';
import { portable } from './portable.ts';
import type { Target } from './target.ts';

/** Every target, by the name that `--target` takes; the first is the default. */
export const targets: ReadonlyMap<string, Target> = new Map([armv8a, portable].map((target) => [target.name, target]));
