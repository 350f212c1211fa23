import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { Graph, Node, UnaryOp } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import { unaryTable } from '../ops/tables.ts';
import type { Kernel } from './kernel.ts';
import { elementLoops, nestLoops, splitRuns } from './loops.ts';
import { perSixteen } from './simple.ts';

/** Any function of one int8 as 256 bytes, which in NEON stay in 16 registers. */
export const table: Kernel<UnaryOp> = {
  name: 'table',
  op: 'unary',
  summary: '256-entry table, 16 elements at a time',
  inPlace: true,
  misfit: () => undefined,
  cost: (node, graph) => perSixteen(node, graph, 13),
  pack: (node, graph) => ({
    arrays: [{ name: 'table', data: tableOf(node, graph), comment: `${node.op.fn.name} of -128, -127, ... 127` }],
  }),
  view: ({ inputs, output, arrayName, node }) => {
    const { outer, run } = splitRuns(elementLoops([...inputs, output]));
    const common = { table: arrayName('table'), run, tail: run % 16 !== 0 };
    const nest = (leaf: string) => nestLoops(outer, ['x', 'y'], leaf, ([x, y]) => ({ ...common, x, y }));
    return {
      ...common,
      functionName: node.op.fn.name,
      neon: nest('table-neon-leaf'),
      portable: nest('table-portable-leaf'),
    };
  },
};

function tableOf(node: Node<UnaryOp>, graph: Graph): Int8Array {
  const [x] = inputsOf(graph, node);
  return unaryTable(node.op.fn, quantOf(must(x, 'x')), quantOf(outputOf(graph, node)));
}
