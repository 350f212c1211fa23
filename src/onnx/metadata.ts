import { z } from 'zod';
import { reject } from '../core/diagnostics.ts';
import type { Graph, IntegerReduction, Node, OpOf } from '../graph/types.ts';

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
  })[];
  /** The operator of each ONNX node of the float network that is left in the graph, by its name. */
  readonly operators: Readonly<Record<string, string>>;
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
      requant: z.enum(['fixed', 'shift', 'float32']),
      accumulator,
      mode: z.enum(['proven', 'calibrated']),
    }),
  ),
  operators: z.record(z.string(), z.string()),
});

/** The metadata of a quantized graph. */
export function metadataOf(graph: Graph): QdqMetadata {
  const layers = graph.nodes.flatMap((node) => {
    const integer = integerOf(node);
    return integer === undefined ? [] : [{ name: node.origin.name, ...integer }];
  });
  const operators = Object.fromEntries(graph.nodes.map((n) => [n.origin.name, n.origin.opType]));
  return { version: 1, layers, operators };
}

function integerOf({ op }: Node): IntegerReduction | undefined {
  const reduces = (o: Node['op']): o is OpOf<'conv2d' | 'fullyConnected'> =>
    o.kind === 'conv2d' || o.kind === 'fullyConnected';
  return reduces(op) ? op.integer : undefined;
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
