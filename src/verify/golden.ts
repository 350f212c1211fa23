import { renderC } from '../emit/render.ts';
import type { BundleInfo, SourceFile } from '../emit/types.ts';
import type { Graph } from '../graph/types.ts';
import type { Plan } from '../plan/plan.ts';
import { renderHarness } from './harness.ts';
import { activationSize, stepsFingerprint, type TestStep, testSteps } from './steps.ts';
import { decodeInputs, encodeVectors } from './vector-file.ts';
import { networkRecord, randomSample, type Sample } from './vectors.ts';

/** Samples that a bundle keeps: enough for a regression test, few enough to be committed. */
const goldenSamples = 4;
const goldenSeed = 1;
/** The first sample's vector holds the bytes of every step, which shows where a mismatch is, up to this size. */
const largestRecord = 2 ** 16;

export function harnessPath(prefix: string): string {
  return `test/${prefix}_harness.c`;
}

/** Assembly that takes the file of constants into the harness. */
function weightsInHarnessPath(prefix: string): string {
  return `test/${prefix}_weights_file.S`;
}

function weightsHead({ head }: BundleInfo): object {
  return { ...head, title: `Constants of ${head.model} for its harness` };
}

export function goldenPath(prefix: string): string {
  return `test/${prefix}.vectors`;
}

/**
 * The harness and the golden vectors of a bundle: extra files of `emitBundle`. The first few samples are kept; without any,
 * seeded random inputs.
 */
export function testFiles(
  graph: Graph,
  plan: Plan,
  info: BundleInfo,
  samples: readonly Sample[],
): readonly SourceFile[] {
  const { prefix } = info;
  return [
    { path: harnessPath(prefix), contents: renderHarness({ info, graph, plan }) },
    ...(info.loadsWeights
      ? [{ path: weightsInHarnessPath(prefix), contents: renderC('test/weights-file.S.hbs', weightsHead(info)) }]
      : []),
    { path: goldenPath(prefix), contents: goldenVectors(graph, testSteps(graph, plan), samples) },
  ];
}

/** The file of vectors that a bundle carries: outputs and, but for a small first one, checksums of the steps. */
export function goldenVectors(graph: Graph, steps: readonly TestStep[], samples: readonly Sample[]): Uint8Array {
  const kept = samples.length > 0 ? samples : [0, 1].map((i) => randomSample(graph, goldenSeed, i));
  const records = kept.slice(0, goldenSamples).map((sample, i) => {
    const record = networkRecord(graph, steps, sample);
    const bytes = record.steps.reduce((sum, step) => sum + step.length, 0);
    return { ...record, kind: i === 0 && bytes <= largestRecord ? record.kind : ('checksums' as const) };
  });
  return encodeVectors(stepsFingerprint(steps), records);
}

/** The samples in a bundle's golden vectors; undefined where the file does not belong to these steps. */
export function goldenInputs(graph: Graph, steps: readonly TestStep[], file: Uint8Array): Sample[] | undefined {
  const sizes = graph.inputs.map(({ tensor }) => activationSize(graph, tensor));
  return decodeInputs(file, stepsFingerprint(steps), sizes);
}
