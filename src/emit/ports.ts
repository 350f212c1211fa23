import { tensorOf } from '../graph/build.ts';
import { sameShape, sizeOf } from '../graph/shape.ts';
import type { Graph, Port, Shape, Tensor } from '../graph/types.ts';
import { narrowRange, quantOf } from '../ops/quantized.ts';
import { asciiShape, describeTensor, float32Text } from './describe.ts';
import type { BundleLayout } from './layout.ts';
import { wrapList } from './text.ts';

/** An input or output of the network in C. */
export interface CPort {
  readonly direction: 'input' | 'output';
  /** The ONNX value's name. */
  readonly name: string;
  /** `input`, or `input1` where there are several. */
  readonly cName: string;
  readonly tensor: Tensor;
  /** Of the ONNX value, whose axes may be in another order. */
  readonly onnxShape: Shape;
  readonly size: number;
  /** Of an input of fewer than 8 bits: the integers that it is clamped to. */
  readonly range?: { readonly lo: number; readonly hi: number };
}

/** Inputs, then outputs, in graph order: the order of the parameters of `<model>_run`. */
export function portsOf(graph: Graph): CPort[] {
  const portOf = (
    direction: CPort['direction'],
    { name, tensor, shape }: Port,
    index: number,
    all: readonly Port[],
  ): CPort => {
    const own = tensorOf(graph, tensor);
    const range = direction === 'input' ? narrowRange(quantOf(own)) : undefined;
    return {
      direction,
      name,
      cName: all.length === 1 ? direction : `${direction}${index}`,
      tensor: own,
      onnxShape: shape,
      size: sizeOf(own.shape),
      ...(range && { range }),
    };
  };
  return [
    ...graph.inputs.map((p, i, all) => portOf('input', p, i, all)),
    ...graph.outputs.map((p, i, all) => portOf('output', p, i, all)),
  ];
}

export interface MacroGroup {
  readonly comment: string;
  readonly entries: readonly { readonly name: string; readonly value: string }[];
}

/** Extents, scale and zero point of a port as macros; of an input of fewer bits, its range. */
export function portMacros(prefix: string, port: CPort): MacroGroup {
  const { tensor, size, cName, direction, name, range } = port;
  const { step, zeroPoint } = quantOf(tensor);
  const base = `${prefix}_${cName.toUpperCase()}`;
  const axes = ['HEIGHT', 'WIDTH', 'CHANNELS'];
  const extents = tensor.shape.length === 4 && tensor.shape[0] === 1 ? tensor.shape.slice(1) : [];
  return {
    comment: `${direction === 'input' ? 'Input' : 'Output'} "${name}": ${describeTensor(tensor)}`,
    entries: [
      { name: `${base}_SIZE`, value: String(size) },
      ...extents.map((extent, i) => ({ name: `${base}_${axes[i]}`, value: String(extent) })),
      { name: `${base}_SCALE`, value: `${float32Text(step)}f` },
      { name: `${base}_ZERO_POINT`, value: integerMacro(zeroPoint) },
      ...(range === undefined
        ? []
        : [
            { name: `${base}_MIN`, value: integerMacro(range.lo) },
            { name: `${base}_MAX`, value: integerMacro(range.hi) },
          ]),
    ],
  };
}

function integerMacro(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

/** `int digits_run(const int8_t *restrict input, …)`, with the header's spelling of restrict. */
export function runSignature(model: string, ports: readonly CPort[], { arena }: BundleLayout): string {
  const restrict = `${model.toUpperCase()}_RESTRICT`;
  const parameters = ports.map(
    ({ direction, cName }) => `${direction === 'input' ? 'const int8_t' : 'int8_t'} *${restrict} ${cName}`,
  );
  const memory = arena === 'caller' ? [`void *${restrict} arena`] : [];
  return wrapList(`int ${model}_run(`, [...parameters, ...memory], ')');
}

/** What the header says about the parameters. */
export function parameterNotes(
  prefix: string,
  ports: readonly CPort[],
  layout: BundleLayout,
): { name: string; text: string }[] {
  const notes = ports.map(({ cName, tensor, name, onnxShape }) => {
    const onnx = sameShape(tensor.shape, onnxShape) ? '' : ` (${asciiShape(onnxShape)} in ONNX)`;
    const text = `${prefix}_${cName.toUpperCase()}_SIZE values: "${name}", ${asciiShape(tensor.shape)}${onnx}`;
    return { name: cName, text };
  });
  const arena = `${prefix}_ARENA_SIZE bytes of working memory, aligned to ${prefix}_ARENA_ALIGNMENT`;
  const all = [...notes, ...(layout.arena === 'caller' ? [{ name: 'arena', text: arena }] : [])];
  const width = Math.max(...all.map(({ name }) => name.length));
  return all.map(({ name, text }) => ({ name: name.padEnd(width), text }));
}
