import type { Graph } from '../graph/types.ts';
import { affineOnGrid } from './affine-on-grid.ts';
import { affineToDepthwise } from './affine-to-depthwise.ts';
import { blocksBeforeChannels } from './blocks-before-channels.ts';
import { composeFunctions } from './compose-functions.ts';
import { deadCode } from './dead-code.ts';
import { foldBatchnorm } from './fold-batchnorm.ts';
import { foldIdentity } from './fold-identity.ts';
import { foldPad } from './fold-pad.ts';
import { fuseActivation } from './fuse-activation.ts';
import { nhwcLayout } from './nhwc-layout.ts';
import { type Pass, runPasses } from './pass.ts';

/** From the imported graph to the one that is quantized, in this order. Constants are folded during import already. */
export const passes: readonly Pass[] = [
  deadCode,
  foldIdentity,
  nhwcLayout,
  foldPad,
  foldBatchnorm,
  affineOnGrid,
  composeFunctions,
  affineToDepthwise,
  fuseActivation,
  blocksBeforeChannels,
];

/**
 * Runs all passes, the graph checked after each.
 * @param described what the file's metadata says of its layers is in the order of its channels, which therefore stays
 */
export function optimize(graph: Graph, described = false): Graph {
  return runPasses(graph, described ? passes.filter((pass) => pass !== blocksBeforeChannels) : passes);
}
