import { must } from '../core/must.ts';
import { inputsOf } from '../graph/build.ts';
import type { AveragePoolOp, Graph, MaxPoolOp, Node } from '../graph/types.ts';
import type { Operand } from './kernel.ts';

/** One axis of a pooling window over an input: which positions of the window lie inside it. */
interface AxisView {
  readonly outputs: number;
  readonly extent: number;
  readonly stride: number;
  readonly before: number;
  readonly step: number;
  /** From the first to the last position, both included. */
  readonly span: number;
  /** A window may begin before the input, or end behind it. */
  readonly clipsStart: boolean;
  readonly clipsEnd: boolean;
}

export interface PoolView {
  readonly rows: AxisView;
  readonly columns: AxisView;
  readonly channels: number;
  /** Channels that are no multiple of 16 leave a rest, which is stored lane by lane. */
  readonly tail: boolean;
  readonly x: Operand;
  readonly y: Operand;
}

export function poolView(node: Node<MaxPoolOp> | Node<AveragePoolOp>, x: Operand, y: Operand): PoolView {
  const { kernel, strides, pads } = node.op;
  const dilations = node.op.kind === 'maxPool' ? node.op.dilations : ([1, 1] as const);
  const axis = (i: 0 | 1, outputs: number, extent: number): AxisView => {
    const span = (kernel[i] - 1) * dilations[i] + 1;
    const [stride, before] = [strides[i], pads[i]];
    const clipsEnd = (outputs - 1) * stride - before + span > extent;
    return { outputs, extent, stride, before, step: dilations[i], span, clipsStart: before > 0, clipsEnd };
  };
  const { channels } = x;
  const [rows, columns] = [axis(0, y.height, x.height), axis(1, y.width, x.width)];
  return { rows, columns, channels, tail: channels % 16 !== 0, x, y };
}

/** The arena knows H×W×C only. */
export function batchMisfit(node: Node, graph: Graph): string | undefined {
  const batch = must(inputsOf(graph, node)[0], 'x').shape[0];
  return batch === 1 ? undefined : `a batch of ${batch}`;
}
