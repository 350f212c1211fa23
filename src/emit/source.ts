import { must } from '../core/must.ts';
import type { Placement } from '../plan/placement.ts';
import { missingIntrinsics } from './armv7.ts';
import { archFlags, neededFeatures } from './features.ts';
import { helperFunctions } from './helpers.ts';
import type { StepInfo } from './layer.ts';
import { runSignature } from './ports.ts';
import { renderC } from './render.ts';
import { cString, withoutComments, wrapCode } from './text.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { hasConstants } from './weights-arrays.ts';
import { loadView } from './weights-file.ts';

/** `src/<model>.c`: helper functions, one function a step, then `<model>_run`. */
export function emitSource(context: EmitContext): SourceFile {
  const { prefix: model, options, ports, layers, steps } = context;
  const MODEL = model.toUpperCase();
  const texts = layers.map((layer) => layer.text);
  const calls = steps.map((step) => callOf(context, step));
  const borders = calls.some((call) => call.border !== '') ? `${model}_fill_border(` : '';
  const helpers = helperFunctions(
    model,
    [...texts, borders].join('\n'),
    options.target.vectorRegisters === 16,
  ).trimEnd();
  const contents = renderC('model.c.hbs', {
    ...context.head,
    title: `${options.graph.name} for ${options.target.description}`,
    hasConstants: hasConstants(context),
    usesString: /\bmem(cpy|set|move)\(/.test([helpers, ...texts].join('\n')),
    hasBodies: [helpers, ...texts].some((text) => text.includes(`${MODEL}_NEON`)),
    usesFloat: /\bfloat(32x4_t)?\b/.test(withoutComments([helpers, ...texts].join('\n'))),
    inlines: helpers.includes(`${MODEL}_INLINE`),
    needed: neededFeatures(options.plan),
    archFlags: archFlags(options.target),
    only64: options.target.triple !== 'arm-linux-gnueabihf',
    intrinsics: missingIntrinsics(options.target, [helpers, ...texts].join('\n')),
    assertions: assertionsOf(context),
    staticArena: context.layout.arena === 'static',
    loaded: context.loadsWeights && loadView(context),
    helpers,
    layers: texts.map((text) => ({ text: text.trimEnd() })),
    signature: runSignature(model, ports, context.layout),
    pointers: [...ports.map((port) => port.cName), 'arena'],
    calls,
    pixels: pixelLoops(context),
    labels: options.labels?.map(cString),
  });
  return { path: `src/${model}.c`, contents: wrapCode(contents) };
}

/** What must be so where the file is compiled: the header next to it, the arithmetic, the arena. */
function assertionsOf({ prefix, ports, arenaBytes }: EmitContext): { condition: string; message: string }[] {
  const MODEL = prefix.toUpperCase();
  const sizes = ports.map(({ cName, size }) => ({
    condition: `${MODEL}_${cName.toUpperCase()}_SIZE == ${size}`,
    message: cString(`${prefix}.h is of another bundle`),
  }));
  return [
    ...sizes,
    {
      condition: `${MODEL}_ARENA_SIZE == ${arenaBytes} && ${MODEL}_ARENA_ALIGNMENT == 16`,
      message: cString(`${prefix}.h is of another bundle`),
    },
    { condition: '-1 >> 1 == -1', message: cString('right shifts of negative numbers must be arithmetic') },
  ];
}

interface Call {
  readonly index: number;
  readonly fn: string;
  readonly arguments: string;
  /** The step's name as a C string. */
  readonly name: string;
  /** Arguments of fill_border, or ''. */
  readonly border: string;
}

function callOf(context: EmitContext, step: StepInfo): Call {
  const { index, functionName: fn, name, inputs, output, fillBorder, kind, scratch } = step;
  const caller = (direction: 'input' | 'output', tensor: string): string => {
    const { options, ports } = context;
    const own = direction === 'input' ? options.graph.inputs : options.graph.outputs;
    const position = own.findIndex((port) => `${kindOf(direction)} ${port.name}` === name && port.tensor === tensor);
    return must(ports.filter((port) => port.direction === direction)[position], `port of ${name}`).cName;
  };
  const reads = kind === 'constant' ? [] : kind === 'load' ? [caller('input', output.tensor)] : inputs.map(address);
  const writes = kind === 'store' ? caller('output', output.tensor) : address(output);
  const border = fillBorder === undefined ? '' : borderArguments(fillBorder.placement, fillBorder.zeroPoint);
  return {
    index,
    fn,
    arguments: [...reads, writes, ...(scratch ? [address(scratch)] : [])].join(', '),
    name: cString(name),
    border,
  };
}

function kindOf(direction: 'input' | 'output'): 'load' | 'store' {
  return direction === 'input' ? 'load' : 'store';
}

function address({ offset }: Pick<Placement, 'offset'>): string {
  return offset === 0 ? 'a' : `a + ${offset}`;
}

function borderArguments(placement: Placement, zeroPoint: number): string {
  const { extent, border, pixelStride } = placement;
  const [top, left, bottom, right] = border;
  const sizes = [extent[0], extent[1] * pixelStride, top, left * pixelStride, bottom, right * pixelStride];
  return [address(placement), ...sizes, zeroPoint].join(', ');
}

function pixelLoops({ options, ports }: EmitContext) {
  const [input] = ports;
  if (options.pixels === undefined || input === undefined) return undefined;
  const channels = options.pixels.table.length / 256;
  return { interleaved: channels > 1, channels, count: input.size / channels };
}
