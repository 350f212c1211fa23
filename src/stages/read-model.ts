import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { reject } from '../core/diagnostics.ts';
import type { Graph, Shape } from '../graph/types.ts';
import { decodeModel } from '../onnx/decode.ts';
import { importSource } from '../onnx/import.ts';
import { readMetadata } from '../onnx/metadata.ts';
import { fuseQdq } from '../passes/fuse-qdq.ts';
import { optimize } from '../passes/index.ts';

/** A model file, imported. */
export interface Model {
  readonly path: string;
  /** Of the file's bytes, in hex. */
  readonly sha256: string;
  /** What the file says about itself (`metadata_props`). */
  readonly metadata: ReadonlyMap<string, string>;
  /** After the passes: a float graph, or a quantized one where the file was quantized. */
  readonly graph: Graph;
  readonly quantized: boolean;
}

export interface ReadOptions {
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** Name of the graph, where it is not to be the file's. */
  readonly name?: string | undefined;
}

/**
 * Reads an ONNX file, float or quantized.
 * @throws reject `model-not-found` and what decoding, importing and fusing throw
 */
export async function readModel(path: string, options: ReadOptions = {}): Promise<Model> {
  const bytes = await readFile(path).catch((error: unknown) => {
    const hint = 'Name an ONNX file.';
    throw reject({ code: 'model-not-found', message: 'the model cannot be read', place: path, hint }, error);
  });
  const source = await decodeModel(bytes, path);
  const { inputShapes } = options;
  const imported = optimize(await importSource(source, { path, ...(inputShapes && { inputShapes }) }));
  const quantized = imported.nodes.some((node) => node.op.kind === 'fakeQuant');
  const metadata = readMetadata(source.metadata, path);
  const graph = quantized
    ? fuseQdq(imported, { metadata, place: path, accBits: 16, lanes: 8, requant: 'fixed' })
    : imported;
  return {
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    metadata: source.metadata,
    graph: options.name === undefined ? graph : { ...graph, name: options.name },
    quantized,
  };
}

/** @throws reject `already-quantized`, `not-quantized` where the file is not of the wanted kind */
export function requireQuantized(model: Model, wanted: boolean): Model {
  if (model.quantized === wanted) return model;
  const place = model.path;
  throw wanted
    ? reject({
        code: 'not-quantized',
        message: 'the model is in float',
        place,
        hint: 'Quantize it first: neonarrow quantize MODEL --calibrate DATA -o Q.onnx, or build it in one go.',
      })
    : reject({
        code: 'already-quantized',
        message: 'the model is quantized already',
        place,
        hint: 'Use neonarrow compile, or give the float model.',
      });
}
