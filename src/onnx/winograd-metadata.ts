import { z } from 'zod';
import { inputsOf } from '../graph/build.ts';
import type { Graph, Node, Tensor, WinogradOp } from '../graph/types.ts';
import { decode, decodeInt8, encode } from './base64.ts';

/**
 * What a file says about a layer in the Winograd domain, in the metadata of the convolution that it holds in its place: its own
 * integers, which are not those of a convolution. Long ones are bytes in base64, little endian.
 */
const whole = z.number().int();
const bytes = z.base64();

export const winogradSchema = z.strictObject({
  tile: z.union([z.literal(2), z.literal(4)]),
  multiplier: z.array(whole.min(1).max(2 ** 15)),
  offset: whole.min(-(2 ** 14)).max(2 ** 14),
  qmin: whole.min(-128).max(0),
  qmax: whole.min(1).max(127),
  leftShift: whole.min(0).max(31),
  /** int8, (outputs · taps) × channels. */
  weights: bytes,
  /** float32, one a row. */
  scale: bytes,
  /** int32, one an output. */
  bias: bytes,
});

export type WinogradMetadata = z.infer<typeof winogradSchema>;

export function winogradMetadata(graph: Graph, node: Node<WinogradOp>): WinogradMetadata {
  const [, w, b] = inputsOf(graph, node) as [Tensor, Tensor, Tensor];
  const { tile, input, leftShift } = node.op;
  return {
    tile,
    ...input,
    multiplier: [...input.multiplier],
    leftShift,
    weights: encode(w.data as Int8Array),
    scale: encode(Float32Array.from(w.quant!.scale)),
    bias: encode(b.data as Int32Array),
  };
}

/** The layer's constants. Their sizes are the caller's question. */
export interface WinogradConstants {
  readonly op: Pick<WinogradOp, 'kind' | 'tile' | 'input' | 'leftShift'>;
  readonly weights: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Int32Array;
}

export function readWinograd(metadata: WinogradMetadata): WinogradConstants {
  const { tile, multiplier, offset, qmin, qmax, leftShift } = metadata;
  const [scale, bias] = [decode(metadata.scale), decode(metadata.bias)];
  return {
    op: { kind: 'winograd', tile, input: { multiplier, offset, qmin, qmax }, leftShift },
    weights: decodeInt8(metadata.weights),
    scale: Float32Array.from({ length: Math.floor(scale.byteLength / 4) }, (_, i) => scale.getFloat32(4 * i, true)),
    bias: Int32Array.from({ length: Math.floor(bias.byteLength / 4) }, (_, i) => bias.getInt32(4 * i, true)),
  };
}
