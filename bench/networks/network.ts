import type { SourceModel } from '../../src/onnx/model.ts';

/** What can be made smaller of a network, for tests; the published sizes where absent. */
export interface NetworkOptions {
  /** Multiplier of the channels. */
  readonly width?: number;
  /** Height and width of the input. */
  readonly size?: number;
  /** Share of the blocks that are repeated; one of each is always there. */
  readonly depth?: number;
}

/** How often a block is repeated. */
export function repeated(blocks: number, { depth = 1 }: NetworkOptions): number {
  return Math.max(1, Math.round(blocks * depth));
}

export interface Network {
  readonly name: string;
  /** Where the architecture comes from. */
  readonly source: string;
  build(options?: NetworkOptions): SourceModel;
  /** For tests: seconds, under QEMU. */
  readonly small: NetworkOptions;
}
