import type { Geometry } from '../k-lanes/geometry.ts';

/**
 * What the kernels share that have channels in the lanes: a channel's products are summed in one 16-bit lane, 16 channels
 * to a register of weights. `segments` of the model end where the lanes are flushed into 32 bits.
 */
export const block = 16;

/** Accumulators of eight channels that a pixel has: up to eight channels compilers leave out the other half. */
export function halvesOf({ reduction: { channels } }: Geometry): number {
  return channels <= block / 2 ? 1 : 2;
}

/** Weights as such a kernel reads them: `[block of channels][product][16 channels]`. */
export interface ChannelWeights {
  readonly data: Int8Array;
  /** Where product k of a channel lies. */
  at(channel: number, k: number): number;
}

/** @param order product of each place; weights are stored in the order in which they are used */
export function packChannels(g: Geometry, order: readonly number[]): ChannelWeights {
  const { channels, length } = g.reduction;
  const placeOf = new Int32Array(length);
  order.forEach((k, place) => {
    placeOf[k] = place;
  });
  const at = (channel: number, k: number) => slotOf(length, channel, placeOf[k]!);
  const data = new Int8Array(Math.ceil(channels / block) * length * block);
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < length; k++) data[at(c, k)] = g.weights[c * length + k]!;
  }
  return { data, at };
}

/** Where a value of a block lies that has `perBlock` of them a channel. */
export function slotOf(perBlock: number, channel: number, place: number): number {
  return (Math.floor(channel / block) * perBlock + place) * block + (channel % block);
}
