import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { AveragePoolOp, Graph, Node } from '../graph/types.ts';
import { globalPool, isGlobalPool, poolValues } from '../ops/float32.ts';
import { poolDivision } from '../ops/pool-division.ts';
import { integerClamp, quantOf } from '../ops/quantized.ts';
import { floatLiteral } from './add-float32.ts';
import type { Kernel } from './kernel.ts';
import { batchMisfit, type PoolView, poolView } from './pool.ts';
import { outputSize } from './simple.ts';

/** As ONNX Runtime's QLinearAveragePool and QLinearGlobalAveragePool, one channel at a time: exact, not fast. */
export const averagePoolFloat32: Kernel<AveragePoolOp> = {
  name: 'average-pool-float32',
  op: 'averagePool',
  summary: 'one channel at a time; sums and divisions in float32',
  misfit: (node, graph) => (node.op.requant === 'float32' ? batchMisfit(node, graph) : 'it divides in fixed point'),
  cost: (node, graph) => ({
    instructions: 20 + outputSize(node, graph) * (20 + 4 * node.op.kernel[0] * node.op.kernel[1]),
  }),
  pack: (node, graph) => {
    if (isGlobal(node, graph)) return { arrays: [] };
    const data = poolValues(inputOf(node, graph));
    return { arrays: [{ name: 'values', data, comment: 'real values of the input steps -128, -127, ... 127' }] };
  },
  view: ({ graph, node, inputs, output, arrayName }) => {
    const [x, y] = [inputOf(node, graph), outputOf(graph, node)];
    const global = isGlobal(node, graph) && multiplierOf(node, graph);
    const { divisors } = poolDivision(node.op, x, y);
    const view = poolView(node, must(inputs[0], 'x'), output);
    return {
      ...view,
      ...integerClamp(y, node.op.clamp),
      zeroIn: quantOf(x).zeroPoint,
      global,
      values: arrayName('values'),
      count:
        divisors.length === 1 ? `${divisors[0]}.0f` : `(float)(${extentOf(view.rows)} * ${extentOf(view.columns)})`,
      step: floatLiteral(quantOf(y).step),
      zero: floatLiteral(quantOf(y).zeroPoint),
    };
  },
};

/** How many of a window's rows or columns count: one where none does, as in `poolDivision`. */
function extentOf({ axis, mayMiss }: PoolView['rows']): string {
  const extent = `${axis}1 - ${axis}0`;
  return mayMiss ? `(${axis}1 > ${axis}0 ? ${extent} : 1)` : `(${extent})`;
}

function inputOf(node: Node<AveragePoolOp>, graph: Graph) {
  return must(inputsOf(graph, node)[0], 'x');
}

function isGlobal(node: Node<AveragePoolOp>, graph: Graph): boolean {
  return isGlobalPool(node.op, inputOf(node, graph));
}

function multiplierOf(node: Node<AveragePoolOp>, graph: Graph): string {
  const requantizer = globalPool(node.op, inputOf(node, graph), outputOf(graph, node));
  return floatLiteral(requantizer.format === 'float32' ? must(requantizer.scale[0], 'multiplier') : 0);
}
