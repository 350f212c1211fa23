import { must } from '../core/must.ts';
import { inputsOf, tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Node, TensorId } from '../graph/types.ts';
import { definitionOf } from '../ops/index.ts';
import type { Placement } from '../plan/placement.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { fingerprintOf } from './vector-file.ts';

/** A step of the generated program, as tests see it. */
export interface TestStep {
  /** Place in `Plan.steps`, which is the number that the generated program knows it by. */
  readonly index: number;
  /** The ONNX name of the layer; for copies `load NAME`, `store NAME`, `constant`. */
  readonly name: string;
  /** The node that the step computes by itself; absent for copies: of inputs, of outputs, into concatenations. */
  readonly node?: Node;
  readonly inputs: readonly Placement[];
  readonly output: Placement;
  /** Multiply-accumulates, padding included; for other operators the elements that are read and written. */
  readonly cost: number;
}

export function testSteps(graph: Graph, plan: Plan): readonly TestStep[] {
  return plan.steps.map((step) => {
    const { index, inputs, output } = step;
    const elements = [...inputs, output].reduce((sum, placement) => sum + elementsOf(placement), 0);
    const name = nameOf(step);
    if (step.kind !== 'layer' || step.node.op.kind === 'concat') return { index, name, inputs, output, cost: elements };
    const macs = definitionOf(step.node).reduction?.(step.node, inputsOf(graph, step.node)).macs ?? 0;
    return { index, name, node: step.node, inputs, output, cost: Math.max(macs, elements) };
  });
}

function nameOf(step: Step): string {
  switch (step.kind) {
    case 'layer':
      return step.node.origin.name;
    case 'constant':
      // Not the tensor's id, which the file's reader makes up.
      return 'constant';
    case 'load':
    case 'store':
      return `${step.kind} ${step.port.name}`;
  }
}

/** Elements, and bytes, of the interior. */
export function elementsOf({ extent: [h, w, c] }: Placement): number {
  return h * w * c;
}

/** Elements, and bytes, of an activation. */
export function activationSize(graph: Graph, id: TensorId): number {
  return sizeOf(tensorOf(graph, id).shape);
}

/**
 * The bytes that a step leaves in its output. What a step copies, it copies unchanged, so that these are always those of
 * the tensor which the placement names.
 */
export function outputBytes(graph: Graph, step: TestStep, activations: ReadonlyMap<TensorId, Int8Array>): Int8Array {
  const { tensor } = step.output;
  const { data } = tensorOf(graph, tensor);
  return data === undefined ? must(activations.get(tensor), `activation ${tensor}`) : Int8Array.from(data);
}

/** The fingerprint by which harness and vector file know that they belong together. */
export function stepsFingerprint(steps: readonly TestStep[]): number {
  return fingerprintOf(
    steps.map(({ name, inputs, output }) => ({
      name,
      inputBytes: inputs.map(elementsOf),
      outputBytes: elementsOf(output),
    })),
  );
}
