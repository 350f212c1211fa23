import { int64, type ModelSpec, type NodeSpec, random, scalar } from '../onnx/model-helper.ts';

const constants = {
  w: random([4, 6, 3, 3], 1, 0.3),
  u: random([3, 4, 2, 2], 11),
  perChannel: random([4, 1, 1], 5),
  one: scalar(1.7),
  lo: scalar(-0.3),
  pads: int64(0, 0, 1, 2, 0, 0, 0, 1),
  padChannels: int64(0, 1, 0, 0, 0, 2, 0, 0),
  two: int64(1, 2, 0, 1),
  axes: int64(-1, 2),
};

/** A convolution, 6 → 4 channels, with something behind it, so that passes have something to do. */
export function behindConv(...nodes: NodeSpec[]): ModelSpec {
  return { inputs: { x: [1, 6, 9, 8] }, nodes: [{ op: 'Conv', inputs: ['x', 'w'] }, ...nodes], constants };
}
