import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileSafely } from '../core/write-file.ts';
import { batches, type Dataset, requireLabels } from '../data/dataset.ts';
import type { Graph, Node } from '../graph/types.ts';
import { integerAccuracy } from './integer-accuracy.ts';

/** Where finished evaluations are kept between runs, in the current folder. */
export const defaultCacheFolder = '.neonarrow';

/** The labels that quantized graphs found on one data set: each function is evaluated once, ever. */
export interface EvaluationCache {
  /** Samples, of all, whose label the graph gives. */
  correct(graph: Graph): Promise<number>;
  /** Evaluations asked for, and those that needed a run. */
  readonly asked: { total: number; run: number };
}

const entrySchema = z.object({ samples: z.number(), correct: z.number() });

/**
 * Evaluates on one labelled data set, and remembers by content: by what the graph computes and by the samples. So an
 * interrupted search or sweep goes on where it was, and accumulators that lead to the same integers cost one evaluation.
 * @param folder where results are kept; only in memory without it
 * @throws reject `data-without-labels`, `unwritable-output`
 */
export function createEvaluationCache(data: Dataset, folder: string | undefined): EvaluationCache {
  const dataKey = datasetHash(data);
  const memory = new Map<string, number>();
  const asked = { total: 0, run: 0 };
  const compute = async (graph: Graph, path: string | undefined): Promise<number> => {
    const found = path === undefined ? undefined : await readEntry(path, data.count);
    if (found !== undefined) return found;
    asked.run++;
    const { correct, samples } = await integerAccuracy(graph, data);
    if (path !== undefined) await writeFileSafely(path, `${JSON.stringify({ samples, correct })}\n`);
    return correct;
  };
  return {
    asked,
    async correct(graph) {
      asked.total++;
      const key = createHash('sha256').update(functionHash(graph)).update(dataKey).digest('hex');
      const known = memory.get(key);
      if (known !== undefined) return known;
      const path = folder === undefined ? undefined : join(folder, 'evaluations', `${key}.json`);
      const correct = await compute(graph, path);
      memory.set(key, correct);
      return correct;
    },
  };
}

/** What was stored; nothing where the file is absent, cut short, or of another data set. */
async function readEntry(path: string, samples: number): Promise<number | undefined> {
  try {
    const entry = entrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return entry.samples === samples ? entry.correct : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Hash of what a quantized graph computes: operators, constants and quantizations. Which accumulators its sums are proven
 * for doesn't change any output, so they are left out; those that are not proven do.
 */
export function functionHash(graph: Graph): string {
  const hash = createHash('sha256');
  const said = (value: unknown) => hash.update(JSON.stringify(value, spellNumbers)).update('\n');
  said(graph.inputs);
  said(graph.outputs);
  for (const node of graph.nodes) said([operatorOf(node), node.inputs, node.outputs]);
  for (const [id, { shape, quant, data }] of graph.tensors) {
    said([id, shape, quant]);
    if (data !== undefined) addArray(hash, data);
  }
  return hash.digest('hex');
}

/** The operator without its accumulator, where that is proven. */
function operatorOf({ op }: Node): unknown {
  return 'integer' in op && op.integer?.mode !== 'calibrated' ? { ...op, integer: op.integer?.requant } : op;
}

/** JSON has no infinities, which clamps hold. */
function spellNumbers(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function addArray(hash: Hash, data: NodeJS.TypedArray): void {
  hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

const BATCH = 256;

function datasetHash(data: Dataset): string {
  const hash = createHash('sha256').update(String(data.sampleSize));
  for (let from = 0; from < data.count; from += BATCH) {
    for (const values of batches(data, from, Math.min(data.count, from + BATCH))) addArray(hash, values);
  }
  addArray(hash, requireLabels(data));
  return hash.digest('hex');
}
