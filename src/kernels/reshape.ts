import { must } from '../core/must.ts';
import type { ReshapeOp } from '../graph/types.ts';
import type { Kernel, Operand } from './kernel.ts';
import { nothingPacked, perSixteen } from './simple.ts';

/**
 * Copies elements in their order from rows of one length to rows of another. Only where the plan could not make the
 * output a view of the input: where one of them has a border.
 */
export const reshape: Kernel<ReshapeOp> = {
  name: 'reshape',
  op: 'reshape',
  summary: 'copy of rows into rows of another length',
  denseOutput: true,
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 4),
  pack: () => nothingPacked,
  view: ({ inputs, output }) => {
    const input = must(inputs[0], 'x');
    const bytes = gcd(runLength(input), runLength(output));
    const chunks = (output.height * output.width * output.channels) / bytes;
    return { chunks, bytes, from: chunkAddress('x', input, bytes), to: chunkAddress('y', output, bytes) };
  },
};

/** Bytes that follow each other without a gap: a row, or everything. */
function runLength(operand: Operand): number {
  const row = operand.width * operand.channels;
  return isContiguous(operand) ? row * operand.height : row;
}

function isContiguous({ height, width, channels, rowStride }: Operand): boolean {
  return height === 1 || rowStride === width * channels;
}

/** Address of chunk i of `bytes` bytes. */
function chunkAddress(name: string, operand: Operand, bytes: number): string {
  const chunks = runLength(operand) / bytes;
  if (isContiguous(operand)) return `${name} + i * ${bytes}`;
  if (chunks === 1) return `${name} + i * ${operand.rowStride}`;
  return `${name} + i / ${chunks} * ${operand.rowStride} + i % ${chunks} * ${bytes}`;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
