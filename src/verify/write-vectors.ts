import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { Progress } from '../core/progress.ts';
import type { Graph } from '../graph/types.ts';
import { stepsFingerprint, type TestStep } from './steps.ts';
import { vectorEncoder } from './vector-file.ts';
import { makeVectors, type VectorPlan } from './vectors.ts';

export interface WrittenVectors {
  readonly path: string;
  /** What each vector is, in the file's order. */
  readonly descriptions: readonly string[];
}

/** Computes the vectors and writes them as they come; between two of them other work of the process goes on. */
export async function writeVectors(
  path: string,
  graph: Graph,
  steps: readonly TestStep[],
  plan: VectorPlan,
  progress: Progress,
): Promise<WrittenVectors> {
  const file = await open(path, 'w');
  try {
    const encoder = vectorEncoder(stepsFingerprint(steps));
    const descriptions: string[] = [];
    await file.write(encoder.header());
    for (const { what, record } of makeVectors(graph, steps, plan)) {
      descriptions.push(what);
      await file.write(encoder.record(record));
      progress.tick();
      await setImmediate();
    }
    await file.write(encoder.end());
    return { path, descriptions };
  } finally {
    await file.close();
  }
}
