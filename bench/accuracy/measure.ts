import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../src/core/make-folder.ts';
import { writeFileSafely } from '../../src/core/write-file.ts';
import type { Dataset } from '../../src/data/dataset.ts';
import { completeOptions } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import type { LayerReport } from '../../src/quantize/report.ts';
import { type Answers, divergenceOf, floatAnswers, quantizedAnswers, standardErrorOf, top1Of } from './compare.ts';
import type { Network, NetworkName } from './networks.ts';
import type { Row } from './rows.ts';

export interface Result {
  readonly row: Row;
  readonly floatTop1: number;
  readonly top1: number;
  /** Of the difference of the two. */
  readonly standardError: number;
  /** Of the classes' probabilities from the float network's, in nats. */
  readonly divergence: number;
  readonly seconds: number;
  readonly layers: readonly LayerReport[];
}

const folder = join('.neonarrow', 'accuracy');

/**
 * One row after the other; those that are known are read. Rows of networks that are not there are left out.
 * @param finished takes only those that are known
 */
export async function measureAll(
  networks: ReadonlyMap<NetworkName, Network>,
  rows: readonly Row[],
  finished: boolean,
): Promise<Result[]> {
  await makeFolder(folder);
  const results: Result[] = [];
  for (const row of rows) {
    const network = networks.get(row.network);
    if (network === undefined) continue;
    const result = await resultOf(row, network, finished);
    if (result === undefined) continue;
    console.error(
      `${row.network}, ${row.options.accBits} bits, ${row.what}: ${(100 * (result.floatTop1 - result.top1)).toFixed(2)} points`,
    );
    results.push(result);
  }
  return results;
}

async function resultOf(row: Row, network: Network, finished: boolean): Promise<Result | undefined> {
  const path = join(folder, `${keyOf(row, network)}.json`);
  try {
    return { row, ...JSON.parse(await readFile(path, 'utf8')) };
  } catch {
    if (finished) return undefined;
    const result = await measure(row, network);
    await writeFileSafely(path, `${JSON.stringify(result)}\n`);
    return { row, ...result };
  }
}

async function measure({ options, images }: Row, { model, calibration, evaluation }: Network) {
  const start = performance.now();
  const { graph, layers } = await quantize(model.graph, calibration, options);
  const seconds = (performance.now() - start) / 1000;
  const quantized = await quantizedAnswers(graph, evaluation, images);
  const float = await knownFloatAnswers(model, evaluation, images);
  return {
    floatTop1: top1Of(float, evaluation),
    top1: top1Of(quantized, evaluation),
    standardError: standardErrorOf(float, quantized, evaluation),
    divergence: divergenceOf(float, quantized),
    seconds,
    layers,
  };
}

const floats = new Map<string, Promise<Answers>>();

function knownFloatAnswers({ sha256, graph }: Network['model'], evaluation: Dataset, images: number): Promise<Answers> {
  const key = `${sha256} ${images}`;
  const found = floats.get(key) ?? floatAnswers(graph, evaluation, images);
  floats.set(key, found);
  return found;
}

/** By what is measured, not by the code that does it: delete the folder after a change of the quantizer. */
function keyOf({ options, images }: Row, { model, calibration, evaluation }: Network): string {
  const { techniques, layers, ...rest } = completeOptions(options);
  const what = [
    model.sha256,
    calibration.describe,
    evaluation.describe,
    images,
    [...techniques].sort(),
    [...layers],
    rest,
  ];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 24);
}
