import { type InputSpec, imageSize, sampleSize } from './input.ts';
import type { SampleOrder } from './samples.ts';

/** Where element (channel, position) of a sample stands: `channel · channelStep + position · positionStep`. */
interface Steps {
  readonly channelStep: number;
  readonly positionStep: number;
}

/** How to copy one sample from one order to another. */
export interface Reorder {
  readonly channels: number;
  readonly positions: number;
  readonly from: Steps;
  readonly to: Steps;
}

/** The copy between two orders of the input's samples; an input without channels has one order only. */
export function reorder(input: InputSpec, from: SampleOrder, to: SampleOrder): Reorder {
  const channels = imageSize(input)?.channels ?? 1;
  const positions = sampleSize(input) / channels;
  const steps = (order: SampleOrder): Steps => {
    const planar = order === 'CHW' || (order === 'model' && input.layout !== 'NHWC');
    return planar ? { channelStep: positions, positionStep: 1 } : { channelStep: 1, positionStep: channels };
  };
  return { channels, positions, from: steps(from), to: steps(to) };
}

/** Copies one sample into `target` from `offset` on; `table`, 256 entries a channel, translates bytes on the way. */
export function copySample(
  { channels, positions, from, to }: Reorder,
  source: ArrayLike<number>,
  target: Float32Array | Uint8Array,
  offset: number,
  table?: Float32Array,
): void {
  for (let channel = 0; channel < channels; channel++) {
    let read = channel * from.channelStep;
    let write = offset + channel * to.channelStep;
    for (let position = 0; position < positions; position++) {
      const value = source[read] ?? 0;
      target[write] = table === undefined ? value : (table[channel * 256 + value] ?? 0);
      read += from.positionStep;
      write += to.positionStep;
    }
  }
}
