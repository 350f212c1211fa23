import { must } from '../core/must.ts';
import { renderC } from '../emit/render.ts';
import type { BundleInfo } from '../emit/types.ts';
import { tensorOf } from '../graph/build.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { quantOf } from '../ops/quantized.ts';
import type { Placement } from '../plan/placement.ts';
import type { Plan } from '../plan/plan.ts';
import { activationSize, elementsOf, stepsFingerprint, type TestStep, testSteps } from './steps.ts';
import { vectorFileVersion } from './vector-file.ts';

/** What the harness is made for: the program as it was emitted. */
export interface HarnessProgram {
  readonly info: BundleInfo;
  readonly graph: Graph;
  readonly plan: Plan;
}

/** Memory before and after each buffer is a page, the unit that an operating system can protect. */
const page = 4096;

/** The text of `test/<model>_harness.c`, which runs the files of `vector-file.ts` on the generated program. */
export function renderHarness(program: HarnessProgram): string {
  const { info, graph, plan } = program;
  const { prefix, layout } = info;
  const staticArena = layout.arena === 'static';
  const steps = testSteps(graph, plan);
  const bufferOf = (name: string, bytes: number): HarnessBuffer => ({ name, bytes, memoryBytes: roomFor(bytes) });
  const arena = bufferOf('arena', plan.arenaBytes);
  const inputs = graph.inputs.map((port, i) => bufferOf(`input${i}`, activationSize(graph, port.tensor)));
  const outputs = graph.outputs.map((port, i) => bufferOf(`output${i}`, activationSize(graph, port.tensor)));
  const ports = [
    ...inputs.map((_, i) => `(const int8_t *)inputs[${i}].start`),
    ...outputs.map((_, i) => outputPointer(i)),
  ];
  return renderC('test/harness.c.hbs', {
    prefix,
    legal: info.head.legal,
    program: `${prefix}_harness`,
    hook: `${prefix.toUpperCase()}_ON_LAYER`,
    staticArena: staticArena && `${prefix.toUpperCase()}_ARENA`,
    loaded: info.loadsWeights && { load: `${prefix}_load(testWeights, ${prefix.toUpperCase()}_WEIGHTS_SIZE)` },
    page,
    version: vectorFileVersion,
    fingerprint: hex(stepsFingerprint(steps)),
    arena,
    inputs,
    outputs,
    buffers: [arena, ...inputs, ...outputs],
    run: `${prefix}_run(${[...ports, ...(staticArena ? [] : ['arena.start'])].join(', ')})`,
    largestPayload: largestPayload(graph, steps),
    steps: steps.map((step) => stepView(program, step)),
  });
}

interface HarnessBuffer {
  readonly name: string;
  readonly bytes: number;
  readonly memoryBytes: number;
}

function roomFor(bytes: number): number {
  return (Math.ceil(bytes / page) + 2) * page;
}

function stepView({ graph, plan, info }: HarnessProgram, step: TestStep): object {
  const planned = must(plan.steps[step.index], `step ${step.index}`);
  const { functionName, scratch } = must(info.steps[step.index], `step ${step.index}`);
  const output = planned.kind === 'store' ? graph.outputs.indexOf(planned.port) : undefined;
  const sources =
    planned.kind === 'load'
      ? [`(const int8_t *)inputs[${graph.inputs.indexOf(planned.port)}].start`]
      : planned.kind === 'constant'
        ? []
        : step.inputs.map(({ offset }) => `(const int8_t *)arena.start + ${offset}`);
  const target = output === undefined ? `(int8_t *)arena.start + ${step.output.offset}` : outputPointer(output);
  const own = scratch === undefined ? [] : [`(int8_t *)arena.start + ${scratch.offset}`];
  const alone = planned.kind === 'layer';
  return {
    index: step.index,
    name: cString(step.name),
    inputs: alone ? step.inputs.map((placement) => viewText(graph, placement)) : [],
    output: viewText(graph, step.output),
    destination: output === undefined ? 'toArena' : String(output),
    alone: alone ? 1 : 0,
    scratch: `${scratch?.offset ?? 0}, ${scratch?.bytes ?? 0}`,
    call: `${functionName}(${[...sources, target, ...own].join(', ')})`,
  };
}

function outputPointer(output: number): string {
  return `(int8_t *)outputs[${output}].start`;
}

/** The C initializer of a `struct view`. */
function viewText(graph: Graph, { tensor, offset, extent, rowStride, pixelStride, border }: Placement): string {
  const { zeroPoint } = quantOf(tensorOf(graph, tensor));
  return `{${[offset, ...extent, rowStride, pixelStride, ...border, zeroPoint].join(', ')}}`;
}

function largestPayload(graph: Graph, steps: readonly TestStep[]): number {
  const size = (id: TensorId): number => activationSize(graph, id);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const ports = sum([...graph.inputs, ...graph.outputs].map(({ tensor }) => size(tensor)));
  const network = ports + sum(steps.map(({ output }) => Math.max(4, elementsOf(output))));
  return Math.max(network, ...steps.map(({ inputs, output }) => sum([...inputs, output].map(elementsOf))));
}

function hex(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** A C string literal: no trigraphs, and bytes beyond ASCII in octal, which unlike hexadecimal ends after three digits. */
export function cString(text: string): string {
  const escaped = (byte: number): string => {
    const character = String.fromCharCode(byte);
    if (byte < 32 || byte > 126) return `\\${byte.toString(8).padStart(3, '0')}`;
    return '"\\?'.includes(character) ? `\\${character}` : character;
  };
  return `"${Array.from(new TextEncoder().encode(text), escaped).join('')}"`;
}
