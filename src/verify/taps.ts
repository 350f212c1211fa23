import { tensorOf } from '../graph/build.ts';
import type { Conv2dOp, FullyConnectedOp, Graph, Node, Tensor } from '../graph/types.ts';
import { windowOutput } from '../ops/window.ts';

/** A layer whose outputs are dot products with constant weights. */
export type ReductionNode = Node<Conv2dOp> | Node<FullyConnectedOp>;

/** True for the layers that accumulate in narrow lanes. */
export function isReduction(node: Node): node is ReductionNode {
  return node.op.kind === 'conv2d' || node.op.kind === 'fullyConnected';
}

/** Which input elements the products of an output read. */
export interface Taps {
  readonly groups: number;
  /** Output positions whose windows share no input element; all inside the input where the layer has such a place. */
  readonly places: readonly Place[];
  /** True where the windows of `places` read no padding, so that the bounds of DESIGN §4 are attained there. */
  readonly complete: boolean;
  /** The input element that product k of group `group` reads at a place; −1 in the padding. */
  at(place: Place, group: number, k: number): number;
}

/** Output row and column. For a fully connected layer the row is the sample, the column 0. */
export interface Place {
  readonly y: number;
  readonly x: number;
}

export function tapsOf(graph: Graph, node: ReductionNode): Taps {
  const [x, w] = node.inputs.map((id) => tensorOf(graph, id)) as [Tensor, Tensor];
  return node.op.kind === 'conv2d' ? convolutionTaps(node.op, x, w) : fullyConnectedTaps(x, w);
}

function fullyConnectedTaps(x: Tensor, w: Tensor): Taps {
  const [rows, length] = [x.shape[0]!, w.shape[1]!];
  const places = Array.from({ length: rows }, (_, y) => ({ y, x: 0 }));
  return { groups: 1, places, complete: true, at: ({ y }, _group, k) => y * length + k };
}

function convolutionTaps(op: Conv2dOp, x: Tensor, w: Tensor): Taps {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const [, kh, kw, perGroup] = w.shape as [number, number, number, number];
  const { strides, pads, dilations, groups } = op;
  const rows = disjointPositions({
    input: height,
    before: pads[0],
    after: pads[2],
    kernel: kh,
    stride: strides[0],
    dilation: dilations[0],
  });
  const columns = disjointPositions({
    input: width,
    before: pads[1],
    after: pads[3],
    kernel: kw,
    stride: strides[1],
    dilation: dilations[1],
  });
  return {
    groups,
    places: rows.positions.flatMap((y) => columns.positions.map((column) => ({ y, x: column }))),
    complete: rows.inside && columns.inside,
    at(place, group, k) {
      const [tap, c] = [Math.floor(k / perGroup), k % perGroup];
      const iy = place.y * strides[0] - pads[0] + Math.floor(tap / kw) * dilations[0];
      const ix = place.x * strides[1] - pads[1] + (tap % kw) * dilations[1];
      if (iy < 0 || iy >= height || ix < 0 || ix >= width) return -1;
      return (iy * width + ix) * channels + group * perGroup + c;
    },
  };
}

interface Axis {
  readonly input: number;
  readonly before: number;
  readonly after: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

/** Output positions along one axis whose windows do not overlap. Where each window reaches into the padding: the one that does so least. */
function disjointPositions(axis: Axis): { readonly positions: readonly number[]; readonly inside: boolean } {
  const { input, before, after, kernel, stride, dilation } = axis;
  const extent = dilation * (kernel - 1) + 1;
  const outputs = windowOutput(input, before, after, kernel, stride, dilation);
  const first = Math.ceil(before / stride);
  const last = Math.min(outputs - 1, Math.floor((input - extent + before) / stride));
  if (last < first) {
    const taps = Array.from({ length: outputs }, (_, position) => tapsInside(axis, position));
    return { positions: [taps.indexOf(Math.max(...taps))], inside: false };
  }
  const step = Math.ceil(extent / stride);
  const count = Math.floor((last - first) / step) + 1;
  return { positions: Array.from({ length: count }, (_, i) => first + i * step), inside: true };
}

function tapsInside({ input, before, kernel, stride, dilation }: Axis, position: number): number {
  let inside = 0;
  for (let tap = 0; tap < kernel; tap++) {
    const at = position * stride - before + tap * dilation;
    if (at >= 0 && at < input) inside++;
  }
  return inside;
}
