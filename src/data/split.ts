import { chooseSamples } from './choose.ts';
import type { Dataset } from './dataset.ts';

/** Samples that are held out, at most. */
const HELD_OUT = 1000;
/** Below so many samples there are too few to part: both parts are all of them. */
const LEAST = 64;
const SEED = 5;

/** A data set in two parts at random, always the same: one to calibrate on, one to choose by (at most half, at most 1,000 samples). */
export function splitDataset(data: Dataset): { readonly rest: Dataset; readonly held: Dataset } {
  if (data.count < LEAST) return { rest: data, held: data };
  const held = chooseSamples(data.count, Math.min(HELD_OUT, Math.floor(data.count / 2)), SEED);
  const taken = new Set(held);
  const rest = Array.from({ length: data.count }, (_, i) => i).filter((i) => !taken.has(i));
  return { rest: subset(data, rest, 'not held out'), held: subset(data, held, 'held out') };
}

/** Some samples of a data set, in the given order. */
export function subset(data: Dataset, samples: readonly number[], what: string): Dataset {
  const { labels, sampleSize, others } = data;
  return {
    count: samples.length,
    sampleSize,
    describe: `${data.describe}, ${samples.length} ${what}`,
    ...(labels && { labels: Int32Array.from(samples, (i) => labels[i]!) }),
    batch: (from, to) => joined(samples.slice(from, to).map((i) => data.batch(i, i + 1))),
    ...(data.pixels && { pixels: (i: number) => data.pixels!(samples[i]!) }),
    ...(others && { others: others.map((other) => subset(other, samples, what)) }),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part, at);
    at += part.length;
  }
  return values;
}
