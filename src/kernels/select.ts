import { unsupported } from '../core/diagnostics.ts';
import type { Graph, Node, NodeId } from '../graph/types.ts';
import type { Target } from '../targets/target.ts';
import { kernels } from './index.ts';
import type { Kernel } from './kernel.ts';

/** The kernel that computes each node. */
export type Selections = ReadonlyMap<NodeId, Kernel>;

/**
 * Chooses for each node the cheapest kernel that fits; of equals, the first in the table.
 *
 * @throws unsupported `no-kernel`, which lists every node that no kernel takes, with the reasons
 */
export function selectKernels(graph: Graph, target: Target): Selections {
  const selections = new Map<NodeId, Kernel>();
  const details: string[] = [];
  for (const node of graph.nodes) {
    const fitting = kernelsFor(node, graph, target);
    const [first, ...rest] = fitting;
    if (first === undefined) details.push(`${describe(node)}: ${reasons(node, graph, target)}`);
    else selections.set(node.id, cheapest(first, rest, node, graph, target));
  }
  if (details.length === 0) return selections;
  throw unsupported({
    code: 'no-kernel',
    message: `${details.length === 1 ? 'one node has' : `${details.length} nodes have`} no kernel for ${target.name}`,
    details,
    hint: 'Change these nodes in the model, or report them.',
  });
}

/** The kernels that can compute the node on the target. */
export function kernelsFor(node: Node, graph: Graph, target: Target): readonly Kernel[] {
  return kernels.filter((k) => k.op === node.op.kind && k.misfit(node, graph, target) === undefined);
}

function cheapest(first: Kernel, rest: readonly Kernel[], node: Node, graph: Graph, target: Target): Kernel {
  const costOf = (kernel: Kernel) => {
    const { instructions, slots = instructions } = kernel.cost(node, graph, target);
    return slots;
  };
  return rest.reduce((best, kernel) => (costOf(kernel) < costOf(best) ? kernel : best), first);
}

function describe(node: Node): string {
  return `node "${node.origin.name}" (${node.origin.opType})`;
}

function reasons(node: Node, graph: Graph, target: Target): string {
  const all = kernels.filter((k) => k.op === node.op.kind);
  if (all.length === 0) return `no kernel for ${node.op.kind}`;
  return all.map((k) => `${k.name}: ${k.misfit(node, graph, target)}`).join('; ');
}
