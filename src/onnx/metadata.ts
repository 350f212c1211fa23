import { z } from 'zod';
import { reject } from '../core/diagnostics.ts';
import { isKind } from '../graph/build.ts';
import type { Graph, IntegerReduction, Node, OpOf } from '../graph/types.ts';
import { type DiffusionMetadata, diffusionMetadata, diffusionSchema } from './diffusion-metadata.ts';
import { type WinogradMetadata, winogradMetadata, winogradSchema } from './winograd-metadata.ts';

/** The key in the file's `metadata_props`. */
export const metadataKey = 'neonarrow';

/**
 * What a QDQ file of neonarrow says beyond what ONNX can: how each layer accumulates and requantizes. Without it, such a
 * file is a quantized network like any other.
 */
export interface QdqMetadata {
  readonly version: 1;
  /** Layers with weights, in the graph's order. */
  readonly layers: readonly (IntegerReduction & {
    /** The ONNX node of the float network. Nodes of the QDQ file are called `<name>/<operator>`. */
    readonly name: string;
    /** Present where the convolution of that name stands for a layer in the Winograd domain. */
    readonly winograd?: WinogradMetadata | undefined;
  })[];
  /** The operator of each ONNX node of the float network that is left in the graph, by its name. */
  readonly operators: Readonly<Record<string, string>>;
  /** ONNX nodes between two grids that diffuse the errors of rounding from the one to the other. */
  readonly diffused?: readonly DiffusionMetadata[] | undefined;
  /** Operators without weights compute as ONNX Runtime's quantized ones where they can (see ops/float32.ts). */
  readonly elementwise?: 'float32' | undefined;
}

const count = z.number().int().min(1);
const accumulator = z.strictObject({
  bits: count.max(32),
  lanes: count,
  step: count,
  runLength: count,
  segments: z.array(count).min(1),
});
const schema = z.strictObject({
  version: z.literal(1, 'is not a version that this neonarrow reads'),
  layers: z.array(
    z.strictObject({
      name: z.string(),
      requant: z.enum(['fixed', 'fixed16', 'shift', 'float32']),
      accumulator,
      mode: z.enum(['proven', 'calibrated']),
      winograd: winogradSchema.optional(),
      sums: z.array(z.array(z.strictObject({ lo: z.number().int(), hi: z.number().int() }))).exactOptional(),
    }),
  ),
  operators: z.record(z.string(), z.string()),
  diffused: z.array(diffusionSchema).optional(),
  elementwise: z.literal('float32').optional(),
});

/** The metadata of a quantized graph. */
export function metadataOf(graph: Graph): QdqMetadata {
  const layers = graph.nodes.flatMap((node) => {
    const integer = integerOf(node);
    if (integer === undefined) return [];
    const winograd = isKind(node, 'winograd') ? { winograd: winogradMetadata(graph, node) } : {};
    return [{ name: node.origin.name, ...integer, ...winograd }];
  });
  const operators = Object.fromEntries(graph.nodes.map((n) => [n.origin.name, n.origin.opType]));
  const float32 = graph.nodes.some((n) => !isReduction(n.op) && 'requant' in n.op);
  const diffused = diffusionMetadata(graph);
  return {
    version: 1,
    layers,
    operators,
    ...(diffused.length > 0 && { diffused }),
    ...(float32 && { elementwise: 'float32' }),
  };
}

function integerOf({ op }: Node): Omit<IntegerReduction, 'biasRemainders'> | undefined {
  if (!isReduction(op) || op.integer === undefined) return undefined;
  // Remainders stand in the file's biases.
  const { biasRemainders: _, ...integer } = op.integer;
  return integer;
}

function isReduction(op: Node['op']): op is OpOf<'conv2d' | 'winograd' | 'fullyConnected'> {
  return op.kind === 'conv2d' || op.kind === 'winograd' || op.kind === 'fullyConnected';
}

export function encodeMetadata(metadata: QdqMetadata): string {
  return JSON.stringify(metadata);
}

/**
 * Reads the metadata of a decoded file.
 * @param properties the file's `metadata_props`
 * @param place the file, for messages
 * @returns undefined where the file has none
 * @throws reject `bad-metadata`
 */
export function readMetadata(properties: ReadonlyMap<string, string>, place: string): QdqMetadata | undefined {
  const text = properties.get(metadataKey);
  if (text === undefined) return undefined;
  const parsed = schema.safeParse(parseJson(text, place));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join('.') ?? '';
  throw badMetadata(`${where === '' ? 'it' : `"${where}"`}: ${issue?.message ?? 'unknown problem'}`, place);
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badMetadata(`it is not JSON: ${(error as Error).message}`, place);
  }
}

/** Also for metadata that is well formed, but not that of its network. */
export function badMetadata(message: string, place: string) {
  return reject({
    code: 'bad-metadata',
    message: `The metadata "${metadataKey}" of the file is not valid: ${message}.`,
    place,
    hint: 'Quantize the float model again, with this version of neonarrow.',
  });
}
