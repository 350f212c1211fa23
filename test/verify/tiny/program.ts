import { fileHead } from '../../../src/emit/head.ts';
import { defaultLayout } from '../../../src/emit/layout.ts';
import { GraphBuilder } from '../../../src/graph/build.ts';
import type { Node, Port } from '../../../src/graph/types.ts';
import type { Kernel } from '../../../src/kernels/kernel.ts';
import { densePlacement, type Placement } from '../../../src/plan/placement.ts';
import type { Plan, Step } from '../../../src/plan/plan.ts';
import type { HarnessProgram } from '../../../src/verify/harness.ts';

const shape = [1, 2, 3, 2];
const origin = { name: 'decrement "it"', opType: 'Tiny' };
const dense = (tensor: string): Placement => densePlacement(tensor, shape);
const x: Placement = { ...dense('x'), offset: 12, rowStride: 10, border: [1, 1, 1, 1] };
const y: Placement = { ...dense('y'), offset: 96 };

/** The program of `tiny.c`, written down by hand. */
export function tinyProgram(): HarnessProgram {
  const b = new GraphBuilder('Tiny');
  const quant = { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 };
  for (const id of ['x', 'y']) b.addTensor({ id, shape, dtype: 'int8', quant });
  b.addNode({ kind: 'unary', fn: { name: 'identity' } }, ['x'], ['y'], origin);
  b.inputs.push({ name: 'x', tensor: 'x', shape, views: [] });
  b.outputs.push({ name: 'y', tensor: 'y', shape, views: [] });
  const graph = b.build();
  const node = graph.nodes[0] as Node;
  const steps: Step[] = [
    { kind: 'load', index: 0, port: graph.inputs[0] as Port, inputs: [dense('x')], output: x },
    { kind: 'layer', index: 1, node, kernel: {} as Kernel, inputs: [x], output: y, inPlace: false },
    { kind: 'store', index: 2, port: graph.outputs[0] as Port, inputs: [y], output: dense('y') },
  ];
  const names = ['tiny_0_load', 'tiny_1_decrement', 'tiny_2_store'];
  const plan: Plan = { steps, arenaBytes: 128, lowerBoundBytes: 128, blocks: [], placements: new Map() };
  const infos = steps.map(({ index, kind, inputs, output }) => {
    return { index, kind, name: '', functionName: names[index] as string, inputs, output };
  });
  const info = { prefix: 'tiny', ports: [], steps: infos, arenaBytes: 128, layout: defaultLayout, loadsWeights: false };
  return { graph, plan, info: { ...info, head: fileHead('tiny', '0.0.0', defaultLayout) } };
}
