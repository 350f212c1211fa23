import { z } from 'zod';
import type { DiffuseOp, Graph } from '../graph/types.ts';
import { MOST_CARRY_SHIFT } from '../ops/carries.ts';
import { decodeInt8, encode } from './base64.ts';

/** What a file says about a node that diffuses the errors of rounding: ONNX has a quantization in its place, that only rounds. */
export const diffusionSchema = z.strictObject({
  /** The ONNX node, between the two grids. */
  name: z.string(),
  carries: z
    .strictObject({
      shift: z.number().int().min(1).max(MOST_CARRY_SHIFT),
      /** int8, channels × channels, in base64. */
      weights: z.base64(),
    })
    .exactOptional(),
  /** What a pixel's channels add up to at most, in steps from the lowest integer. */
  pixelSum: z.number().int().min(1).exactOptional(),
});

export type DiffusionMetadata = z.infer<typeof diffusionSchema>;

/** What a file says of each node of the graph that diffuses errors. */
export function diffusionMetadata(graph: Graph): DiffusionMetadata[] {
  return graph.nodes.flatMap(({ op, origin }) => {
    if (op.kind !== 'diffuse') return [];
    const { carries, pixelSum } = op;
    return [
      {
        name: origin.name,
        ...(carries && { carries: { ...carries, weights: encode(carries.weights) } }),
        ...(pixelSum !== undefined && { pixelSum }),
      },
    ];
  });
}

export function readDiffusion({ carries, pixelSum }: DiffusionMetadata): DiffuseOp {
  return {
    kind: 'diffuse',
    ...(carries && { carries: { ...carries, weights: decodeInt8(carries.weights) } }),
    ...(pixelSum !== undefined && { pixelSum }),
  };
}
