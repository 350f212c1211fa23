import { add } from './add.ts';
import { addFloat32 } from './add-float32.ts';
import { argMax } from './arg-max.ts';
import { averagePool } from './average-pool.ts';
import { averagePoolFloat32 } from './average-pool-float32.ts';
import { concat } from './concat.ts';
import { convByteLanes, fullyConnectedByteLanes } from './conv-byte-lanes.ts';
import { convDotprod, fullyConnectedDotprod } from './conv-dotprod.ts';
import { convI8mm, fullyConnectedI8mm } from './conv-i8mm.ts';
import { convKLanes, fullyConnectedKLanes } from './conv-k-lanes.ts';
import { convKLanesFlush, fullyConnectedKLanesFlush } from './conv-k-lanes-flush.ts';
import { depthToSpace } from './depth-to-space.ts';
import { depthwise } from './depthwise.ts';
import { diffuse } from './diffuse.ts';
import { extremum } from './extremum.ts';
import { firstLayer } from './first-layer.ts';
import type { Kernel } from './kernel.ts';
import { lrn } from './lrn.ts';
import { maxPool } from './max-pool.ts';
import { mul } from './mul.ts';
import { pad } from './pad.ts';
import { prelu } from './prelu.ts';
import { reshape } from './reshape.ts';
import { resizeLinear } from './resize-linear.ts';
import { resizeNearest } from './resize-nearest.ts';
import { slice } from './slice.ts';
import { softmax } from './softmax.ts';
import { spaceToDepth } from './space-to-depth.ts';
import { table } from './table.ts';
import { transpose } from './transpose.ts';
import { winograd } from './winograd.ts';

/** Every kernel. Of several that cost the same, the first is taken. */
export const kernels = [
  add,
  addFloat32,
  argMax,
  averagePool,
  averagePoolFloat32,
  concat,
  convByteLanes,
  convDotprod,
  convI8mm,
  convKLanes,
  convKLanesFlush,
  depthwise,
  firstLayer,
  fullyConnectedByteLanes,
  fullyConnectedDotprod,
  fullyConnectedI8mm,
  fullyConnectedKLanes,
  fullyConnectedKLanesFlush,
  depthToSpace,
  diffuse,
  extremum,
  lrn,
  maxPool,
  mul,
  pad,
  prelu,
  reshape,
  resizeLinear,
  resizeNearest,
  slice,
  softmax,
  spaceToDepth,
  table,
  transpose,
  winograd,
] as readonly Kernel[];
