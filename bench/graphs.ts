import { createRandom } from '../src/core/random.ts';
import { GraphBuilder } from '../src/graph/build.ts';
import { sizeOf } from '../src/graph/shape.ts';
import type { AccumulatorModel, Graph, IntegerReduction, Node, Op, QuantParams, TensorId } from '../src/graph/types.ts';
import { tapRange, type WinogradTile, winogradTransforms } from '../src/numeric/winograd.ts';
import { stepCount } from '../src/ops/definition.ts';
import { definitionOf } from '../src/ops/index.ts';
import { windowBudget } from '../src/quantize/accumulator.ts';
import { greedySegments } from '../src/quantize/segments.ts';
import type { Extent, LayerSpec, NetworkSpec, OperatorSpec, SchemeName } from './specification.ts';

/** How the sums of a layer are accumulated. */
export interface Scheme {
  readonly name: SchemeName;
  readonly dataBits: number;
  /** Weights are drawn from [−largest, largest]; where absent, as large as one segment (8 bits: two) holds. */
  readonly largest?: number;
  readonly accumulatorBits: 8 | 16;
  /** In the Winograd domain; `exact` without rounding its input. */
  readonly winograd?: { readonly tile: WinogradTile; readonly exact?: true };
}

export const oneSegment: Scheme = { name: 'one segment', dataBits: 8, accumulatorBits: 16 };
/** 7-bit weights. */
const flushes: Scheme = { name: 'flushes', dataBits: 8, largest: 63, accumulatorBits: 16 };
/** Of 4-bit data and weights of −1, 0 and 1, as many as need no more than one flush. */
const eightBits: Scheme = { name: '8 bits', dataBits: 4, accumulatorBits: 8 };

const winogradSchemes: readonly Scheme[] = [
  { name: 'winograd 4x4', dataBits: 8, accumulatorBits: 16, winograd: { tile: 4 } },
  { name: 'winograd 2x2', dataBits: 8, accumulatorBits: 16, winograd: { tile: 2 } },
  { name: 'winograd 2x2, exact', dataBits: 6, accumulatorBits: 16, winograd: { tile: 2, exact: true } },
];

export const schemes: readonly Scheme[] = [oneSegment, flushes, eightBits, ...winogradSchemes];

/** Each layer under each scheme that its entry has a target for. */
function layerCases(layers: readonly LayerSpec[]): (readonly [LayerSpec, Scheme])[] {
  return layers.flatMap((layer) =>
    schemes.filter(({ name }) => layer.targets[name] !== undefined).map((scheme) => [layer, scheme] as const),
  );
}

/** One graph in which every layer stands alone, with an input and an output of its own: one program to compile and count. */
export function layerGraph(layers: readonly LayerSpec[]): Graph {
  const b = new GraphBuilder('layers');
  for (const [spec, scheme] of layerCases(layers)) {
    const name = caseName(spec.name, scheme);
    const input = spec.op.kind === 'dense' ? [1, spec.input[2]] : [1, ...spec.input];
    const x = addInput(b, `${name} input`, input, scheme);
    addOutput(b, addOperator(b, name, spec.op, x, scheme), `${name} output`);
  }
  return b.build();
}

/** The name of the layer's step: what results are found by. */
export function caseName(layer: string, { name }: Scheme): string {
  return `${layer}, ${name}`;
}

export function networkGraph({ name, input, dataBits, layers }: NetworkSpec): Graph {
  const b = new GraphBuilder(name);
  const scheme: Scheme = { ...oneSegment, dataBits };
  let x = addInput(b, 'input', [1, ...(input as Extent)], scheme);
  for (const layer of layers) x = addOperator(b, layer.name, layer.op, x, scheme);
  addOutput(b, x, 'output');
  return b.build();
}

/** Never negative: all steps lie above the zero point (DESIGN §3). */
function activation(scale: number, { dataBits }: Scheme): QuantParams {
  const half = 2 ** (dataBits - 1);
  return { scale: [Math.fround(scale)], zeroPoint: -half, qmin: -half, qmax: half - 1 };
}

function addInput(b: GraphBuilder, name: string, shape: readonly number[], scheme: Scheme): TensorId {
  const id = b.addTensor({ id: name, shape, dtype: 'int8', quant: activation(0.05, scheme) });
  b.inputs.push({ name, tensor: id, shape, views: [] });
  return id;
}

function addOutput(b: GraphBuilder, tensor: TensorId, name: string): void {
  b.outputs.push({ name, tensor, shape: b.tensors.get(tensor)!.shape, views: [] });
}

function addOperator(b: GraphBuilder, name: string, spec: OperatorSpec, x: TensorId, scheme: Scheme): TensorId {
  switch (spec.kind) {
    case 'conv':
    case 'dense':
      return addReduction(b, name, spec, spec.kind === 'dense' ? flattened(b, name, x) : x, scheme);
    case 'maxPool': {
      const { kernel, stride } = spec;
      const window = { kernel: [kernel, kernel], strides: [stride, stride], dilations: [1, 1] } as const;
      return addNode(b, name, { kind: 'maxPool', ...window, pads: [0, 0, 0, 0] }, [x], quantOf(b, x));
    }
    case 'averagePool': {
      const kernel = [spec.kernel, spec.kernel] as const;
      const window = { kernel, strides: kernel, pads: [0, 0, 0, 0], ceilExtra: [0, 0] } as const;
      return addNode(b, name, { kind: 'averagePool', ...window, countIncludePad: false }, [x], quantOf(b, x));
    }
  }
}

function flattened(b: GraphBuilder, name: string, x: TensorId): TensorId {
  const { shape } = b.tensors.get(x)!;
  if (shape.length === 2) return x;
  const flat = [1, sizeOf(shape)];
  return addNode(b, `${name} flatten`, { kind: 'reshape', shape: flat }, [x], quantOf(b, x));
}

function addReduction(
  b: GraphBuilder,
  name: string,
  spec: Extract<OperatorSpec, { kind: 'conv' | 'dense' }>,
  x: TensorId,
  scheme: Scheme,
): TensorId {
  if (scheme.winograd !== undefined) return addWinograd(b, name, spec, x, scheme);
  const channels = b.tensors.get(x)!.shape.at(-1)!;
  const { outputs } = spec;
  const kernel = spec.kind === 'conv' ? [spec.kernel, spec.kernel] : [];
  const groups = spec.kind === 'conv' ? spec.groups : 1;
  const shape = [outputs, ...kernel, channels / groups];
  const length = sizeOf(shape) / outputs;
  const depthwise = groups === channels && groups === outputs;
  const runLength = spec.kind === 'conv' && groups === 1 ? spec.kernel * channels : channels / groups;
  const { weights, accumulator, largest } = drawWeights(
    modelOf(scheme, length, runLength, depthwise),
    outputs,
    length,
    scheme,
  );
  const scale = Array.from({ length: outputs }, (_, o) => Math.fround((0.01 + 0.001 * (o % 8)) / largest));
  const quant = { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const w = b.constant(`${name} weights`, shape, weights, { quant });
  const bias = b.constant(`${name} bias`, [outputs], new Int32Array(outputs).fill(100));
  const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
  const relu = { clamp: { lo: 0, hi: Number.POSITIVE_INFINITY }, integer };
  const op: Op =
    spec.kind === 'dense'
      ? { kind: 'fullyConnected', ...relu }
      : {
          kind: 'conv2d',
          strides: [spec.stride, spec.stride],
          pads: [spec.pad, spec.pad, spec.pad, spec.pad],
          dilations: [1, 1],
          groups,
          ...relu,
        };
  // Three standard deviations of the sums of uniform operands fill the output's steps.
  const range = quantOf(b, x).scale[0]! * 2 ** scheme.dataBits;
  const deviation = Math.sqrt(length) * (range / 1.7) * (0.0135 / 1.7);
  return addNode(b, name, op, [x, w, bias], activation((3 * deviation) / 2 ** scheme.dataBits, scheme));
}

/** A 3×3 convolution in the Winograd domain: random weights that one segment holds, taps rounded so that most fit int8. */
function addWinograd(
  b: GraphBuilder,
  name: string,
  spec: Extract<OperatorSpec, { kind: 'conv' | 'dense' }>,
  x: TensorId,
  { dataBits, winograd }: Scheme,
): TensorId {
  const { tile, exact } = winograd!;
  const transforms = winogradTransforms(tile);
  const taps = transforms.size ** 2;
  const channels = b.tensors.get(x)!.shape.at(-1)!;
  const { qmin, qmax } = quantOf(b, x);
  const multiplier = Array.from({ length: taps }, (_, tap) => {
    const { lo, hi } = tapRange(transforms, tap, { lo: qmin, hi: qmax });
    return exact ? 2 ** 15 : Math.min(2 ** 15 - 1, Math.round((3 * 127 * 2 ** 15) / Math.max(hi, -lo)));
  });
  const rows = spec.outputs * taps;
  const random = createRandom(rows, channels);
  const steps = Math.ceil(channels / 16);
  // 2 · steps products a lane, whose Σ|w| is at most 255 (docs/winograd.md); half of the largest on average.
  const largest = Math.floor(255 / (2 * steps));
  const weights = Int8Array.from({ length: rows * channels }, () => random.int(-largest, largest));
  const quant = { scale: new Array(rows).fill(2 ** -9), zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const w = b.constant(`${name} weights`, [rows, channels], weights, { quant });
  const bias = b.constant(`${name} bias`, [spec.outputs], new Int32Array(spec.outputs).fill(100));
  const accumulator = { bits: 16, lanes: 8, step: 16, runLength: channels, segments: [steps] };
  const pad = spec.kind === 'conv' ? spec.pad : 0;
  const op: Op = {
    kind: 'winograd',
    tile,
    pads: [pad, pad, pad, pad],
    clamp: { lo: 0, hi: Number.POSITIVE_INFINITY },
    input: { multiplier, offset: exact ? 0 : 20, qmin: -128, qmax: 127 },
    leftShift: tile === 4 ? 3 : 0,
    integer: { requant: 'fixed', accumulator, mode: 'proven' },
  };
  const deviation = Math.sqrt(channels) * 2 ** -9 * largest * 50 * quantOf(b, x).scale[0]! * (tile === 4 ? 20 : 2);
  return addNode(b, name, op, [x, w, bias], activation((3 * deviation) / 2 ** dataBits, { ...oneSegment, dataBits }));
}

function modelOf(scheme: Scheme, length: number, runLength: number, depthwise: boolean): AccumulatorModel {
  const bits = scheme.accumulatorBits;
  const lanes = depthwise ? { lanes: 1, step: 1 } : { lanes: bits === 8 ? 16 : 8, step: 16 };
  return { bits, ...lanes, runLength, segments: [stepCount({ ...lanes, runLength }, length)] };
}

/** Uniform integer weights, `density` of them not zero by choice, flushed where they need it. */
function drawWeights(model: AccumulatorModel, outputs: number, length: number, scheme: Scheme) {
  const half = 2 ** (scheme.dataBits - 1);
  const budget = windowBudget(model.bits, { lo: -half, hi: half - 1 });
  const draw = (largest: number, density: number) => {
    const random = createRandom(length, outputs);
    const weight = () => (density < 1 && random.float() >= density ? 0 : random.int(-largest, largest));
    const weights = Int8Array.from({ length: outputs * length }, weight);
    return { weights, accumulator: greedySegments(model, weights, outputs, budget), largest };
  };
  if (scheme.largest !== undefined) return draw(scheme.largest, 1);
  const segments = scheme.accumulatorBits === 8 ? 2 : 1;
  // A lane's Σ|w| has a mean of somewhat more than n·largest/2, the largest of all channels is more.
  const bound = Math.floor((2 * budget * segments * model.lanes) / length);
  let [largest, density] = [Math.max(1, Math.min(127, bound)), 1];
  for (;;) {
    const drawn = draw(largest, density);
    if (drawn.accumulator.segments.length <= segments) return drawn;
    if (largest > 1) largest--;
    else density *= 0.85;
  }
}

function addNode(b: GraphBuilder, name: string, op: Op, inputs: readonly TensorId[], quant: QuantParams): TensorId {
  const origin = { name, opType: op.kind };
  const tensors = inputs.map((id) => b.tensors.get(id)!);
  const node = { id: name, op, inputs, outputs: [name], origin } as Node;
  b.addTensor({ id: name, shape: definitionOf(node).infer(node, tensors), dtype: 'int8', quant });
  b.addNode(op, inputs, [name], origin);
  return name;
}

function quantOf(b: GraphBuilder, id: TensorId): QuantParams {
  return b.tensors.get(id)!.quant!;
}
