import { armv7Neon } from './armv7-neon.ts';
import { armv82Dotprod } from './armv8.2-dotprod.ts';
import { armv86I8mm } from './armv8.6-i8mm.ts';
import { armv8a } from './armv8-a.ts';
import { cortexA53 } from './cortex-a53.ts';
import { cortexA72 } from './cortex-a72.ts';
import { portable } from './portable.ts';
import type { Target } from './target.ts';

const all = [armv8a, cortexA53, cortexA72, armv82Dotprod, armv86I8mm, armv7Neon, portable];

/** Every target, by the name that `--target` takes; the first is the default. */
export const targets: ReadonlyMap<string, Target> = new Map(all.map((target) => [target.name, target]));
