import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';
import { type Manifest, manifestSchema } from '../emit/manifest.ts';
import type { Graph } from '../graph/types.ts';
import { selectKernels } from '../kernels/select.ts';
import { decodeModel } from '../onnx/decode.ts';
import { importSource } from '../onnx/import.ts';
import { badMetadata, readMetadata } from '../onnx/metadata.ts';
import { fuseQdq } from '../passes/fuse-qdq.ts';
import { optimize } from '../passes/index.ts';
import { planMemory } from '../plan/plan.ts';
import { findTarget } from '../targets/find.ts';
import { goldenInputs, goldenPath } from './golden.ts';
import type { VerifiedProgram } from './program.ts';
import { testSteps } from './steps.ts';
import type { Sample } from './vectors.ts';

/** The quantized network that a bundle carries: what its C is compared with. */
export function networkPath(prefix: string): string {
  return `test/${prefix}.qdq.onnx`;
}

/** A bundle read back from disk. */
export interface LoadedBundle extends VerifiedProgram {
  readonly manifest: Manifest;
  /** Inputs of the golden vectors; empty where there are none, or they belong to another program. */
  readonly samples: readonly Sample[];
}

/**
 * Reads a bundle's manifest and its quantized network, and plans the program again as it was emitted.
 * @throws reject `not-a-bundle`, `incomplete-bundle`; what reading a quantized network throws
 */
export async function loadBundle(dir: string): Promise<LoadedBundle> {
  const manifest = await readManifest(dir);
  const { prefix, model } = manifest;
  const target = findTarget(manifest.target);
  const graph = { ...(await readNetwork(join(dir, networkPath(prefix)))), name: model.name };
  const plan = planMemory(graph, selectKernels(graph, target));
  const golden = await readFile(join(dir, goldenPath(prefix))).catch(() => undefined);
  const samples = golden === undefined ? undefined : goldenInputs(graph, testSteps(graph, plan), golden);
  return { manifest, prefix, graph, plan, target, samples: samples ?? [] };
}

/** @throws reject `not-a-bundle` */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, 'manifest.json');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw notABundle(dir, 'it has no manifest.json', error);
  });
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw notABundle(path, 'its manifest is not one that this neonarrow reads', error);
  }
}

async function readNetwork(path: string): Promise<Graph> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw reject(
      {
        code: 'incomplete-bundle',
        message: 'the quantized network, with which the program is compared, is missing',
        place: path,
        hint: 'Generate the bundle again with "neonarrow compile".',
      },
      error,
    );
  });
  const source = await decodeModel(bytes, path);
  const metadata = readMetadata(source.metadata, path);
  if (metadata === undefined) throw badMetadata('there is none', path);
  const graph = optimize(await importSource(source, { path }), true);
  // With metadata the defaults are not used, but for float32: what real biases leave is kept.
  return fuseQdq(graph, { metadata, place: path, accBits: 16, lanes: 8, requant: 'float32' });
}

function notABundle(place: string, why: string, cause: unknown): NeonarrowError {
  return reject(
    {
      code: 'not-a-bundle',
      message: `this is no folder that neonarrow made: ${why}`,
      place,
      hint: 'Name the folder that "neonarrow build" or "neonarrow compile" wrote.',
    },
    cause,
  );
}
