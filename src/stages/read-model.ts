import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { reject } from '../core/diagnostics.ts';
import type { Graph, Shape } from '../graph/types.ts';
import type { Original } from '../interpret/agreement.ts';
import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import { exportFloat } from '../onnx/export-float.ts';
import { importSource } from '../onnx/import.ts';
import { readMetadata } from '../onnx/metadata.ts';
import type { SourceModel } from '../onnx/model.ts';
import { isQonnx } from '../onnx/qonnx.ts';
import { singleSample } from '../onnx/single-sample.ts';
import { fuseQdq, openInputs } from '../passes/fuse-qdq.ts';
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
  /** The float meaning, for ONNX Runtime: the file, or an equivalent one where it takes other operators or inputs than that. */
  readonly runnable: string | Uint8Array;
  /** What a quantized network is compared with on ONNX Runtime: the file where that can run it, else its float meaning. */
  readonly original: Original;
  /** What the file leaves open and was assumed, one sentence each. */
  readonly notes: readonly string[];
}

export interface ReadOptions {
  readonly inputShapes?: Readonly<Record<string, Shape>>;
  /** Name of the graph, where it is not to be the model's own: that of its file. */
  readonly name?: string | undefined;
  /** For quantized networks that take float inputs: least and greatest real input. */
  readonly inputRange?: readonly [number, number] | undefined;
}

/** A file, decoded. */
export interface ModelFile {
  readonly path: string;
  readonly sha256: string;
  readonly source: SourceModel;
  readonly metadata: ReadonlyMap<string, string>;
}

/** @throws reject `model-not-found` and what decoding throws */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readFile(path).catch((error: unknown) => {
    const hint = 'Name an ONNX file.';
    throw reject({ code: 'model-not-found', message: 'the model cannot be read', place: path, hint }, error);
  });
  const source = await decodeModel(bytes, path);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), source, metadata: source.metadata };
}

/** Where nothing says what a float input of a quantized network holds. */
const assumedRange = [0, 1] as const;

/**
 * Imports an ONNX file, float or quantized.
 * @throws what importing and fusing throw
 */
export async function importFile(file: ModelFile, options: ReadOptions = {}): Promise<Model> {
  const { path, sha256 } = file;
  const { inputShapes } = options;
  const { model: source, batch } = singleSample(file.source, Object.keys(inputShapes ?? {}));
  const read = await importSource(source, { path, ...(inputShapes && { inputShapes }) });
  const metadata = readMetadata(source.metadata, path);
  const imported = optimize(read, metadata !== undefined);
  const quantized = imported.nodes.some((node) => node.op.kind === 'fakeQuant');
  const inputRange = options.inputRange ?? assumedRange;
  const defaults = { accBits: 16, lanes: 8, requant: 'float32' } as const;
  const graph = quantized ? fuseQdq(imported, { metadata, place: path, inputRange, ...defaults }) : imported;
  const open = quantized ? openInputs(imported) : [];
  const assumes = options.inputRange === undefined && open.length > 0;
  const asItIs = isStandard(source) && batch === undefined;
  const floatInputs = source.inputs.every(({ dtype }) => dtype === 'float32');
  // Large, so only where the file itself will not do.
  const float = asItIs && floatInputs ? undefined : encodeModel(exportFloat(read).model);
  const comparable = isStandard(source) ? encodeIf(batch !== undefined, source) : float;
  // A file that neonarrow wrote keeps the name of the float model, whatever the file is called.
  const name = options.name ?? (metadata === undefined ? graph.name : source.graphName);
  return {
    path,
    sha256,
    metadata: file.metadata,
    graph: name === graph.name ? graph : { ...graph, name },
    quantized,
    runnable: float ?? path,
    original: { model: comparable ?? path, openInputs: new Set(open) },
    notes: notesOf(graph, batch, assumes),
  };
}

/** What a user should know of a file, and would not see in its layers. */
function notesOf(graph: Graph, batch: number | undefined, assumesRange: boolean): string[] {
  const notes: string[] = [];
  if (batch !== undefined) notes.push(`The file is for ${batch} samples at a time; the program takes one.`);
  if (assumesRange) {
    notes.push('The network does not quantize its input: real inputs from 0 to 1 are assumed (--range).');
  }
  if (graph.nodes.some((node) => node.op.kind === 'diffuse')) {
    notes.push(
      'The program diffuses the rounding errors of its data; ONNX has no operator for that, so ONNX Runtime rounds plainly.',
    );
  }
  return notes;
}

function encodeIf(changed: boolean, source: SourceModel): Uint8Array | undefined {
  return changed ? encodeModel(source) : undefined;
}

/** True where ONNX Runtime knows all operators. */
function isStandard({ nodes }: SourceModel): boolean {
  return !nodes.some(isQonnx);
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
