import type { Graph } from '../../src/graph/types.ts';
import type { Kernel } from '../../src/kernels/kernel.ts';
import { type Plan, planMemory } from '../../src/plan/plan.ts';

/** A memory plan where every kernel fits and asks for nothing. */
export function fakePlan(graph: Graph): Plan {
  const kernel = { name: 'fake' } as Kernel;
  return planMemory(graph, new Map(graph.nodes.map((node) => [node.id, kernel])));
}
