import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { AveragePoolOp, Graph, Node } from '../graph/types.ts';
import { largestSum } from '../numeric/requantize.ts';
import { poolDivision } from '../ops/pool-division.ts';
import { integerClamp, quantOf } from '../ops/quantized.ts';
import type { ConstantArray, Kernel } from './kernel.ts';
import { batchMisfit, blocksOf, poolView } from './pool.ts';

/** A 16-bit sum of so many int8 cannot overflow: 255 · 128 < 2^15. */
const longest16 = 255;

/** Channels in the lanes: the window's sum, less its zero points, times the reciprocal of the divisor in fixed point. */
export const averagePool: Kernel<AveragePoolOp> = {
  name: 'average-pool',
  op: 'averagePool',
  summary: 'channels in the lanes, 16 at a time; division by fixed-point reciprocals',
  misfit: (node, graph) =>
    (node.op.requant === 'float32' ? 'it divides in float32' : undefined) ??
    batchMisfit(node, graph) ??
    divisorsMisfit(node, graph) ??
    sumMisfit(node, graph),
  cost: (node, graph) => ({
    instructions: 20 + blocksOf(node, graph) * (45 + 5 * positionsOf(node) + 4 * node.op.kernel[0]),
  }),
  pack: (node, graph) => ({ arrays: divisionArrays(node, graph) }),
  view: ({ graph, node, inputs, output, arrayName }) => {
    const { divisors, multipliers, shifts, left } = divisionOf(node, graph);
    return {
      ...poolView(node, must(inputs[0], 'x'), output),
      ...integerClamp(outputOf(graph, node), node.op.clamp),
      zeroIn: quantOf(must(inputsOf(graph, node)[0], 'x')).zeroPoint,
      left,
      narrow: positionsOf(node) <= longest16,
      divisors: divisors.join(', '),
      multiplier: must(multipliers[0], 'multiplier'),
      shift: must(shifts[0], 'shift'),
      several: divisors.length > 1 && {
        index: arrayName('divisor'),
        multipliers: arrayName('multipliers'),
        shifts: arrayName('shifts'),
      },
    };
  },
};

function positionsOf(node: Node<AveragePoolOp>): number {
  return node.op.kernel[0] * node.op.kernel[1];
}

/** The divisors and, for each of them, the factor that divides by it. */
function divisionOf(node: Node<AveragePoolOp>, graph: Graph) {
  const { divisors, requantizer, indexAt } = poolDivision(
    node.op,
    must(inputsOf(graph, node)[0], 'x'),
    outputOf(graph, node),
  );
  if (requantizer.format !== 'fixed') throw invariant(`an average pool divides by ${requantizer.format} multipliers`);
  const { multiplier: multipliers, shift, leftShift: left } = requantizer;
  // As vrshlq_s32 takes them: right shifts are negative.
  return { divisors, multipliers, shifts: shift.map((s) => -s), left, largest: largestSum(requantizer), indexAt };
}

/** Where the input's step is far above the output's, the sum times the reciprocal's power of two leaves 32 bits. */
function sumMisfit(node: Node<AveragePoolOp>, graph: Graph): string | undefined {
  const largest = 255 * positionsOf(node);
  if (largest <= divisionOf(node, graph).largest) return undefined;
  return `sums up to ${largest} times the ratio of the scales exceed 32 bits`;
}

/** Where padding does not count, windows at the edges have divisors of their own. */
function divisionArrays(node: Node<AveragePoolOp>, graph: Graph): ConstantArray[] {
  const { divisors, multipliers, shifts, indexAt } = divisionOf(node, graph);
  if (divisors.length === 1) return [];
  const [, height, width] = outputOf(graph, node).shape as [number, number, number];
  const index = Uint8Array.from({ length: height * width }, (_, i) => indexAt(Math.floor(i / width), i % width));
  const of = `of the divisors ${divisors.join(', ')}`;
  return [
    { name: 'divisor', data: index, comment: `which divisor each of the ${height}x${width} outputs has` },
    { name: 'multipliers', data: multipliers, comment: `multipliers ${of}` },
    { name: 'shifts', data: shifts, comment: `shifts ${of}` },
  ];
}

function divisorsMisfit(node: Node<AveragePoolOp>, graph: Graph): string | undefined {
  const { length } = divisionOf(node, graph).divisors;
  return length <= 256 ? undefined : `${length} different divisors`;
}
