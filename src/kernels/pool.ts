import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { AveragePoolOp, Graph, MaxPoolOp, Node } from '../graph/types.ts';
import type { Operand } from './kernel.ts';

/** One axis of a pooling window: which positions of output `i` (or `j`) lie inside the input, from `first` to before `end`. */
interface AxisView {
  /** `h` or `w`: prefix of the bounds' names. */
  readonly axis: string;
  /** `i` or `j`: which output. */
  readonly index: string;
  readonly outputs: number;
  readonly stride: number;
  readonly extent: number;
  readonly step: number;
  /** `h += 2` */
  readonly advance: string;
  /** Position of the window's first element, and behind its last, in the output's index; outside of the input where it clips. */
  readonly first: string;
  readonly end: string;
  readonly clipsStart: boolean;
  readonly clipsEnd: boolean;
  /** Whether a window may lie in the padding altogether: its end is kept from coming before its start. */
  readonly mayMiss: boolean;
}

export interface PoolView {
  readonly rows: AxisView;
  readonly columns: AxisView;
  readonly channels: number;
  /** Channels that are no multiple of 16 leave a rest, which is stored lane by lane. */
  readonly tail: boolean;
  readonly x: Operand;
  readonly y: Operand;
  /** Of a small window that never leaves the input: the address of its corner, and how far its positions are from there. */
  readonly corner: string;
  readonly positions: readonly number[];
}

/** More are a loop. */
export const mostPositions = 16;

export function poolView(node: Node<MaxPoolOp> | Node<AveragePoolOp>, x: Operand, y: Operand): PoolView {
  const { kernel, strides, pads } = node.op;
  const dilations = node.op.kind === 'maxPool' ? node.op.dilations : ([1, 1] as const);
  const axisView = (i: 0 | 1, outputs: number, extent: number): AxisView => {
    const span = (kernel[i] - 1) * dilations[i] + 1;
    const [stride, before, step] = [strides[i], pads[i], dilations[i]];
    const [axis, index] = i === 0 ? (['h', 'i'] as const) : (['w', 'j'] as const);
    return {
      axis,
      index,
      outputs,
      stride,
      extent,
      step,
      advance: step === 1 ? `${axis}++` : `${axis} += ${step}`,
      first: affine(index, stride, -before),
      end: affine(index, stride, span - before),
      clipsStart: before > 0,
      clipsEnd: (outputs - 1) * stride - before + span > extent,
      mayMiss: before >= span || (outputs - 1) * stride - before >= extent,
    };
  };
  const { channels } = x;
  const [rows, columns] = [axisView(0, y.height, x.height), axisView(1, y.width, x.width)];
  const corner = ['x', ...cornerTerms(rows, x.rowStride), ...cornerTerms(columns, x.pixelStride)].join(' + ');
  const positions = [rows, columns].some((a) => a.clipsStart || a.clipsEnd) ? [] : positionsOf(node, x);
  return { rows, columns, channels, tail: channels % 16 !== 0, x, y, corner, positions };
}

function cornerTerms({ outputs, index, stride }: AxisView, distance: number): string[] {
  return outputs === 1 ? [] : [affine(index, stride * distance, 0)];
}

function positionsOf({ op }: Node<MaxPoolOp> | Node<AveragePoolOp>, x: Operand): number[] {
  const [height, width] = op.kernel;
  const dilations = op.kind === 'maxPool' ? op.dilations : [1, 1];
  if (height * width > mostPositions) return [];
  return Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row * dilations[0]! * x.rowStride + column * dilations[1]! * x.pixelStride;
  });
}

/** The arena knows H×W×C only. */
export function batchMisfit(node: Node, graph: Graph): string | undefined {
  const batch = must(inputsOf(graph, node)[0], 'x').shape[0];
  return batch === 1 ? undefined : `a batch of ${batch}`;
}

function affine(index: string, factor: number, offset: number): string {
  const product = factor === 1 ? index : `${index} * ${factor}`;
  return offset === 0 ? product : `${product} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`;
}

/** Blocks of up to 16 channels, over all output pixels. */
export function blocksOf(node: Node, graph: Graph): number {
  const [, height, width, channels] = outputOf(graph, node).shape as [number, number, number, number];
  return height * width * Math.ceil(channels / 16);
}
