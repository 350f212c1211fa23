import { expect } from 'vitest';
import { inputsOf, outputOf, tensorOf } from '../../src/graph/build.ts';
import type { Graph, TensorId } from '../../src/graph/types.ts';
import { definitionOf } from '../../src/ops/index.ts';
import { quantOf } from '../../src/ops/quantized.ts';
import { activationsOf } from '../../src/plan/activations.ts';
import { extentOf, type Placement } from '../../src/plan/placement.ts';
import { endOf, type Plan, type Step } from '../../src/plan/plan.ts';

/** Offsets of the interior's elements in row-major order. */
function* elements({
  extent: [height, width, channels],
  offset,
  rowStride,
  pixelStride,
}: Placement): Generator<number> {
  for (let h = 0; h < height; h++) {
    for (let w = 0; w < width; w++) {
      for (let c = 0; c < channels; c++) yield offset + h * rowStride + w * pixelStride + c;
    }
  }
}

/** Offsets of the border's elements. */
function* frame({ extent: [height, width, channels], offset, rowStride, border }: Placement): Generator<number> {
  const [top, left, bottom, right] = border;
  for (let h = -top; h < height + bottom; h++) {
    for (let w = -left; w < width + right; w++) {
      const inside = h >= 0 && h < height && w >= 0 && w < width;
      for (let c = 0; c < channels && !inside; c++) yield offset + h * rowStride + w * channels + c;
    }
  }
}

/**
 * Runs a plan on an arena of bytes, each step by its operator's integer meaning on what the arena holds where its inputs
 * are placed. A tensor that something else has overwritten shows in the outputs.
 */
export function simulate(graph: Graph, plan: Plan, inputs: readonly Int8Array[]): Int8Array[] {
  const arena = new Int8Array(plan.arenaBytes).fill(0x5a);
  const outputs: Int8Array[] = [];
  const read = (placement: Placement): Int8Array => Int8Array.from(elements(placement), (at) => arena[at]!);
  const write = (placement: Placement, values: ArrayLike<number>): void => {
    let i = 0;
    for (const at of elements(placement)) arena[at] = values[i++]!;
    expect(i).toBe(values.length);
  };
  for (const step of plan.steps) {
    checkPlacements(plan, step);
    if (step.fillBorder !== undefined) {
      for (const at of frame(step.fillBorder.placement)) arena[at] = step.fillBorder.zeroPoint;
    }
    switch (step.kind) {
      case 'load':
        write(step.output, inputs[graph.inputs.indexOf(step.port)]!);
        break;
      case 'constant':
        write(step.output, tensorOf(graph, step.tensor).data!);
        break;
      case 'store':
        outputs[graph.outputs.indexOf(step.port)] = read(step.inputs[0]);
        break;
      case 'layer':
        checkBorder(graph, step, arena);
        if (step.node.op.kind === 'concat') write(step.output, read(step.inputs[0]!));
        else write(step.output, compute(graph, step, step.inputs.map(read)));
    }
  }
  return outputs;
}

function compute(graph: Graph, step: Step & { kind: 'layer' }, values: readonly Int8Array[]): Int8Array {
  const { node } = step;
  expect(step.inputs.map((p) => p.tensor)).toEqual(activationsOf(node));
  return definitionOf(node).integer!(node, { inputs: inputsOf(graph, node), values, output: outputOf(graph, node) });
}

/** A kernel that asks for a border finds at least that much of it, filled with the tensor's zero point. */
function checkBorder(graph: Graph, { node, kernel, inputs }: Step & { kind: 'layer' }, arena: Int8Array): void {
  const asked = kernel.border?.(node, graph);
  if (asked === undefined) return;
  const [x] = inputs;
  asked.forEach((size, side) => {
    expect(x!.border[side]).toBeGreaterThanOrEqual(size);
  });
  const { zeroPoint } = quantOf(tensorOf(graph, x!.tensor));
  for (const at of frame(x!)) expect(arena[at]).toBe(zeroPoint);
}

function checkPlacements(plan: Plan, step: Step): void {
  const inArena = step.kind === 'load' || step.kind === 'constant' ? [step.output] : [...step.inputs];
  if (step.kind === 'layer') inArena.push(step.output);
  for (const placement of inArena) {
    expect(placement.offset).toBeGreaterThanOrEqual(0);
    // Loads of 16 bytes, from any element.
    expect(endOf(placement) + 15).toBeLessThanOrEqual(plan.arenaBytes);
  }
}

/** The tensor's [H, W, C] is what its placement says. */
export function checkExtents(graph: Graph, placements: ReadonlyMap<TensorId, Placement>): void {
  for (const [id, placement] of placements) expect(placement.extent).toEqual(extentOf(tensorOf(graph, id).shape));
}
