import { must } from '../core/must.ts';
import { createRandom } from '../core/random.ts';
import { isKind, tensorOf } from '../graph/build.ts';
import type { Graph, Node, QuantParams } from '../graph/types.ts';
import { type Adversary, adversaryOf } from './adversarial.ts';
import { winogradAdversary } from './adversarial-winograd.ts';
import { keepSums, limitedPixelsOf } from './limited-pixels.ts';
import { elementsOf, type TestStep } from './steps.ts';
import { isReduction } from './taps.ts';

/** What the inputs of a step's vector hold. */
export interface Pattern {
  /**
   * `extreme`: attains the accumulators' bounds; `highest`, `lowest`: ν or µ everywhere; `ramp`: every value, and every pair
   * of values of two inputs, in turn; `random`: uniform in the input's range. Lowered where what pixels add up to is limited.
   */
  readonly kind: 'extreme' | 'highest' | 'lowest' | 'ramp' | 'random';
  readonly index: number;
}

/** The vectors that one step could be tried on, the telling ones first. */
export interface StepPatterns {
  readonly patterns: readonly Pattern[];
  /** Absent for steps that accumulate nothing. */
  readonly adversary?: Adversary;
  /** The step's activations for a pattern. */
  inputs(pattern: Pattern): readonly Int8Array[];
}

/** Beyond that many the pairs of two inputs are sampled, not enumerated. */
const mostRamps = 16;

/**
 * The vectors of one step by itself. None for copies, which the network's vectors test, and none for a layer that is only calibrated: its accumulators are allowed to overflow on
 * inputs that no data showed.
 */
export function patternsOf(graph: Graph, step: TestStep, seed: number): StepPatterns {
  const { node } = step;
  if (node === undefined || inputsOverlap(step)) return { patterns: [], inputs: () => [] };
  const adversary = adversaryFor(graph, node, seed);
  return {
    patterns: adversary === undefined ? elementwise(graph, step) : isCalibrated(step) ? [] : reduction(adversary),
    ...(adversary === undefined ? {} : { adversary }),
    inputs: (pattern) =>
      pattern.kind === 'extreme'
        ? [must(adversary, 'adversary').input(pattern.index).values]
        : step.inputs.map(({ tensor }, i) => {
            const limit = limitedPixelsOf(graph, tensor);
            const values = fill(graph, step, i, pattern, seed);
            return limit ? keepSums(values, limit) : values;
          }),
  };
}

function adversaryFor(graph: Graph, node: Node, seed: number): Adversary | undefined {
  if (isKind(node, 'winograd')) return winogradAdversary(graph, node, seed);
  return isReduction(node) ? adversaryOf(graph, node, seed) : undefined;
}

/** A tensor and a view of it: they cannot hold values of their own. */
function inputsOverlap({ inputs }: TestStep): boolean {
  return inputs.some((a, i) => inputs.some((b, j) => i < j && a.offset === b.offset && a.tensor !== b.tensor));
}

/** True where the layer's accumulators are proven for the calibration data only. */
export function isCalibrated({ node }: TestStep): boolean {
  return node !== undefined && isReduction(node) && node.op.integer?.mode === 'calibrated';
}

const constants: readonly Pattern[] = [
  { kind: 'highest', index: 0 },
  { kind: 'lowest', index: 0 },
  { kind: 'random', index: 0 },
];

function reduction(adversary: Adversary): readonly Pattern[] {
  const extremes = Array.from({ length: adversary.inputCount }, (_, index): Pattern => ({ kind: 'extreme', index }));
  return [...extremes.slice(0, 1), ...constants, ...extremes.slice(1)];
}

function elementwise(graph: Graph, step: TestStep): readonly Pattern[] {
  const combinations = step.inputs.reduce((product, { tensor }) => product * valuesOf(quantOf(graph, tensor)), 1);
  const smallest = Math.min(...step.inputs.map(elementsOf));
  const count = Math.min(mostRamps, Math.ceil(combinations / smallest));
  const ramps = Array.from({ length: count }, (_, index): Pattern => ({ kind: 'ramp', index }));
  return [...ramps.slice(0, 1), ...constants, ...ramps.slice(1)];
}

function fill(graph: Graph, step: TestStep, input: number, { kind, index }: Pattern, seed: number): Int8Array {
  const placement = must(step.inputs[input], 'input');
  const { data } = tensorOf(graph, placement.tensor);
  if (data !== undefined) return Int8Array.from(data);
  const size = elementsOf(placement);
  const quant = quantOf(graph, placement.tensor);
  if (kind === 'highest') return new Int8Array(size).fill(quant.qmax);
  if (kind === 'lowest') return new Int8Array(size).fill(quant.qmin);
  if (kind === 'random') return randomValues(size, quant, seed, 1000 * index + input);
  // Input 0 changes with every element, input 1 each time that input 0 went through its values, and so on.
  const earlier = step.inputs.slice(0, input);
  const period = earlier.reduce((product, { tensor }) => product * valuesOf(quantOf(graph, tensor)), 1);
  const values = valuesOf(quant);
  return Int8Array.from({ length: size }, (_, i) => quant.qmin + (Math.floor((index * size + i) / period) % values));
}

/** Uniform in the tensor's range. */
export function randomValues(size: number, quant: QuantParams, seed: number, stream: number): Int8Array {
  const random = createRandom(seed, stream);
  return Int8Array.from({ length: size }, () => random.int(quant.qmin, quant.qmax));
}

export function quantOf(graph: Graph, id: string): QuantParams {
  return must(tensorOf(graph, id).quant, `quantization of tensor ${id}`);
}

function valuesOf(quant: QuantParams): number {
  return quant.qmax - quant.qmin + 1;
}
