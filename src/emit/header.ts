import { asciiShape, describeSums, reductionSummary } from './describe.ts';
import { type MacroGroup, parameterNotes, portMacros, runSignature } from './ports.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { weightBytes } from './weights-arrays.ts';
import { loadedFileBytes } from './weights-file.ts';

/** `include/<model>.h`: all that a caller needs to know. */
export function emitHeader(context: EmitContext): SourceFile {
  const { prefix: model, options, ports } = context;
  const MODEL = model.toUpperCase();
  const contents = renderC('model.h.hbs', {
    ...context.head,
    title: options.graph.name,
    loaded: context.loadsWeights,
    staticArena: context.layout.arena === 'static',
    summary: summaryOf(context),
    macros: macrosOf(context),
    labels: options.labels !== undefined,
    arguments: parameterNotes(MODEL, ports, context.layout),
    signature: runSignature(model, ports, context.layout),
    pixels: options.pixels && { formula: options.pixels.formula, shape: asciiShape(ports[0]?.tensor.shape ?? []) },
  });
  return { path: `include/${model}.h`, contents };
}

function macrosOf(context: EmitContext): MacroGroup[] {
  const { prefix, options, ports, arenaBytes } = context;
  const MODEL = prefix.toUpperCase();
  const loadErrors = context.loadsWeights ? ['FORMAT', 'MODEL', 'CHECKSUM', 'WEIGHTS'] : [];
  const file: MacroGroup[] = context.loadsWeights
    ? [
        {
          comment: `data/${prefix}_weights.bin, in bytes`,
          entries: [
            { name: `${MODEL}_WEIGHTS_SIZE`, value: String(loadedFileBytes(context)) },
            { name: `${MODEL}_WEIGHTS_ALIGNMENT`, value: '16' },
          ],
        },
      ]
    : [];
  const labels: MacroGroup[] =
    options.labels === undefined
      ? []
      : [
          {
            comment: 'Number of classes',
            entries: [{ name: `${MODEL}_LABELS`, value: String(options.labels.length) }],
          },
        ];
  return [
    {
      comment: 'Results',
      entries: [
        { name: `${MODEL}_OK`, value: '0' },
        { name: `${MODEL}_E_NULL`, value: '(-1)' },
        { name: `${MODEL}_E_ALIGNMENT`, value: '(-2)' },
        ...loadErrors.map((name, i) => ({ name: `${MODEL}_E_${name}`, value: `(-${i + 3})` })),
      ],
    },
    {
      comment: 'Working memory, in bytes; its contents need not be kept between calls',
      entries: [
        { name: `${MODEL}_ARENA_SIZE`, value: String(arenaBytes) },
        { name: `${MODEL}_ARENA_ALIGNMENT`, value: '16' },
      ],
    },
    ...file,
    ...ports.map((port) => portMacros(MODEL, port)),
    ...labels,
  ];
}

/** Size, and for each layer with narrow sums what is proven of them. */
function summaryOf(context: EmitContext): string[] {
  const { options, layers } = context;
  const { plan, graph } = options;
  const sums = plan.steps.flatMap((step, i) => {
    if (step.kind !== 'layer') return [];
    const summary = reductionSummary(graph, step.node, layers[i]!.packed);
    return summary === undefined ? [] : [`  ${step.node.origin.name}: ${describeSums(summary)}`];
  });
  const size = `${weightBytes(context)} bytes of constants, ${plan.arenaBytes} bytes of arena.`;
  if (sums.length === 0) return [size];
  return [
    size,
    'Accumulators, and the widest sum that any input can cause (proven) or that was seen (calibrated):',
    ...sums,
  ];
}
