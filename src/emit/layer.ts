import { invariant } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import type { Graph } from '../graph/types.ts';
import { clampView, copyView } from '../kernels/copy.ts';
import type { ConstantArray, Operand, Packed } from '../kernels/kernel.ts';
import { nothingPacked } from '../kernels/simple.ts';
import { narrowRange, quantOf } from '../ops/quantized.ts';
import type { Placement } from '../plan/placement.ts';
import type { BorderFill, LayerStep, Plan, Scratch, Step } from '../plan/plan.ts';
import type { Target } from '../targets/target.ts';
import { copyFacts, layerFacts } from './describe.ts';
import { functionName } from './names.ts';
import { renderC } from './render.ts';
import { joinComments } from './text.ts';

/** A step of the generated program, as those that call it see it. */
export interface StepInfo {
  /** Place in `Plan.steps`. */
  readonly index: number;
  readonly kind: Step['kind'];
  /** The ONNX name of the layer; `load NAME`, `store NAME` and `constant NAME` for copies. Not unique. */
  readonly name: string;
  /**
   * `static void f(const int8_t *x, …, int8_t *y)`: the interior's first element of each input, then of the output; of
   * `constant` steps the output only, and last `int8_t *scratch` where the step has scratch memory. All are in the arena, but
   * the caller's own memory of `load` and `store`.
   */
  readonly functionName: string;
  readonly inputs: readonly Placement[];
  readonly output: Placement;
  readonly fillBorder?: BorderFill;
  readonly scratch?: Scratch;
}

/** What every kernel's template sees besides its own view. */
export interface LayerData {
  /** Prefix of all symbols. */
  readonly model: string;
  /** Prefix of all macros. */
  readonly MODEL: string;
  /** Name of the function. */
  readonly fn: string;
  /** `restrict ` or, where the output is stored over an input, nothing. */
  readonly restrict: string;
}

/** A constant of the weights file, under its C name. */
export type NamedArray = ConstantArray & { readonly cName: string };

export interface EmittedLayer {
  readonly info: StepInfo;
  /** Its comment and its function. */
  readonly text: string;
  readonly packed: Packed;
  readonly arrays: readonly NamedArray[];
}

interface Context {
  readonly graph: Graph;
  readonly plan: Plan;
  readonly target: Target;
  readonly model: string;
}

export function emitStep(context: Context, step: Step): EmittedLayer {
  const { graph, plan, model } = context;
  const name = stepName(step);
  const fn = functionName(model, step.index, plan.steps.length, name);
  const packed = packedOf(graph, step);
  const arrayName = (array: string) => `${fn}_${array}`;
  const common: LayerData = {
    model,
    MODEL: model.toUpperCase(),
    fn,
    restrict: step.kind === 'layer' && step.inPlace ? '' : 'restrict ',
  };
  const { template, view } = bodyOf(context, step, packed, arrayName);
  const clash = Object.keys(view).find((key) => key in common);
  if (clash !== undefined) throw invariant(`the view of ${template} redefines "${clash}"`);
  const { index, kind, inputs, output, fillBorder } = step;
  return {
    info: {
      index,
      kind,
      name,
      functionName: fn,
      inputs,
      output,
      ...(fillBorder && { fillBorder }),
      ...scratchOf(step),
    },
    text: joinComments(headOf(graph, step, name, packed), renderC(`kernels/${template}.c.hbs`, { ...view, ...common })),
    packed,
    arrays: packed.arrays.map((array) => ({ ...array, cName: arrayName(array.name) })),
  };
}

function packedOf(graph: Graph, step: Step): Packed {
  if (step.kind === 'layer') return step.kernel.pack(step.node, graph);
  if (step.kind !== 'constant') return nothingPacked;
  const data = must(tensorOf(graph, step.tensor).data, `data of ${step.tensor}`);
  if (!(data instanceof Int8Array)) throw invariant(`constant ${step.tensor} is not int8`);
  return { arrays: [{ name: 'data', data, comment: 'dense, channels last' }] };
}

function bodyOf(context: Context, step: Step, packed: Packed, arrayName: (array: string) => string) {
  if (step.kind === 'layer') return { template: step.kernel.name, view: kernelView(context, step, packed, arrayName) };
  const [x] = step.inputs;
  const [from, to] = [operandOf(x), operandOf(step.output)];
  if (step.kind === 'load') {
    const range = narrowRange(quantOf(tensorOf(context.graph, step.output.tensor)));
    if (range) return { template: 'load-clamped', view: clampView(step.output.extent, from, to, range) };
  }
  const view = copyView(step.output.extent, from, to);
  if (step.kind !== 'constant') return { template: 'copy', view };
  return { template: 'constant', view: { ...view, data: arrayName('data') } };
}

function kernelView(context: Context, step: LayerStep, packed: Packed, arrayName: (array: string) => string): object {
  const { graph, target } = context;
  const { node, kernel, inPlace } = step;
  const inputs = step.inputs.map(operandOf);
  return kernel.view({ graph, node, target, packed, inputs, output: operandOf(step.output), inPlace, arrayName });
}

function scratchOf(step: Step): Pick<StepInfo, 'scratch'> {
  return step.kind === 'layer' && step.scratch !== undefined ? { scratch: step.scratch } : {};
}

function operandOf({ extent: [height, width, channels], rowStride, pixelStride }: Placement): Operand {
  return { height, width, channels, rowStride, pixelStride };
}

/** As StepInfo.name. */
export function stepName(step: Step): string {
  switch (step.kind) {
    case 'layer':
      return step.node.origin.name;
    case 'constant':
      return `constant ${step.tensor}`;
    case 'load':
    case 'store':
      return `${step.kind} ${step.port.name}`;
  }
}

function headOf(graph: Graph, step: Step, name: string, packed: Packed): string {
  const facts = step.kind === 'layer' ? layerFacts(graph, step, packed) : copyFacts(graph, step);
  const operator = step.kind === 'layer' ? step.node.origin.opType : '';
  const lines = facts.map(([label, text]) => ({ label: label.padEnd(7), text }));
  return renderC('layer-head.c.hbs', { index: step.index, name, operator, lines });
}
