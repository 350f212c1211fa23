import { createRandom } from '../src/core/random.ts';
import { GraphBuilder } from '../src/graph/build.ts';
import { sizeOf } from '../src/graph/shape.ts';
import type { Graph, IntegerReduction, Node, Op, QuantParams, TensorId } from '../src/graph/types.ts';
import { tapRange, winogradTransforms } from '../src/numeric/winograd.ts';
import type { Reduction } from '../src/ops/definition.ts';
import { definitionOf } from '../src/ops/index.ts';
import { singleSegment } from '../src/proof/segments.ts';
import { withNarrowRequantization } from '../src/quantize/rewrite/requant16.ts';
import { armv7Neon } from '../src/targets/armv7-neon.ts';
import { armv82Dotprod } from '../src/targets/armv8.2-dotprod.ts';
import { armv86I8mm } from '../src/targets/armv8.6-i8mm.ts';
import { armv8a } from '../src/targets/armv8-a.ts';
import type { Target } from '../src/targets/target.ts';
import type { LayerSpec, OperatorSpec, SeededNetwork } from './specification.ts';
import { drawWeights, networkScheme, type Scheme, schemes } from './weights.ts';

/** The targets for which layers are measured, each in a program of its own. */
export const layerTargets: readonly Target[] = [armv8a, armv82Dotprod, armv86I8mm, armv7Neon];

/** Each layer under each scheme of the processor that its entry names. */
function layerCases(layers: readonly LayerSpec[], processor: Target): (readonly [LayerSpec, Scheme])[] {
  const own = schemes.filter(({ target = armv8a }) => target === processor);
  return layers.flatMap((layer) =>
    own.filter(({ name }) => layer.targets[name] !== undefined).map((scheme) => [layer, scheme] as const),
  );
}

/** One graph in which every layer stands alone, with an input and an output of its own: one program to compile and count. */
export function layerGraph(layers: readonly LayerSpec[], processor: Target): Graph {
  const b = new GraphBuilder(processor === armv8a ? 'layers' : `layers-${processor.name.replaceAll('.', '_')}`);
  for (const [spec, scheme] of layerCases(layers, processor)) {
    const name = caseName(spec.name, scheme);
    const input = spec.op.kind === 'dense' ? [1, spec.input[2]] : [1, ...spec.input];
    const x = addInput(b, `${name} input`, input, scheme);
    addOutput(b, addOperator(b, name, spec.op, [x], scheme), `${name} output`);
  }
  return withNarrowRequantization(b.build());
}

/** The name of the layer's step: what results are found by. */
export function caseName(layer: string, { name }: Scheme): string {
  return `${layer}, ${name}`;
}

export function networkGraph({ name, input, dataBits, fitted, layers }: SeededNetwork): Graph {
  const b = new GraphBuilder(name);
  const scheme = networkScheme(dataBits, fitted);
  let x = addInput(b, 'input', [1, ...input], scheme);
  for (const layer of layers) {
    x = addOperator(b, layer.name, layer.op, layer.from ?? [x], scheme);
  }
  addOutput(b, x, 'output');
  return withNarrowRequantization(b.build());
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

function addOperator(
  b: GraphBuilder,
  name: string,
  spec: OperatorSpec,
  inputs: readonly TensorId[],
  scheme: Scheme,
): TensorId {
  const x = inputs[0]!;
  switch (spec.kind) {
    case 'conv':
    case 'dense':
      return addReduction(b, name, spec, spec.kind === 'dense' ? flattened(b, name, x) : x, scheme);
    case 'maxPool': {
      const { kernel, stride, pad } = spec;
      const window = { kernel: [kernel, kernel], strides: [stride, stride], dilations: [1, 1] } as const;
      return addNode(b, name, { kind: 'maxPool', ...window, pads: [pad, pad, pad, pad] }, inputs, quantOf(b, x));
    }
    case 'averagePool': {
      const kernel = [spec.kernel, spec.kernel] as const;
      const window = { kernel, strides: kernel, pads: [0, 0, 0, 0], ceilExtra: [0, 0] } as const;
      return addNode(b, name, { kind: 'averagePool', ...window, countIncludePad: false }, inputs, quantOf(b, x));
    }
    case 'add': {
      const scale = inputs.reduce((sum, id) => sum + quantOf(b, id).scale[0]!, 0);
      return addNode(b, name, { kind: 'add' }, inputs, activation(scale / 1.5, scheme));
    }
    case 'lrn':
      return addNode(b, name, spec, inputs, quantOf(b, x));
    case 'hardSwish':
      return addNode(b, name, { kind: 'unary', fn: { name: 'hardSwish' } }, inputs, quantOf(b, x));
  }
}

function flattened(b: GraphBuilder, name: string, x: TensorId): TensorId {
  const { shape } = b.tensors.get(x)!;
  if (shape.length === 2) return x;
  const flat = [1, sizeOf(shape)];
  return addNode(b, `${name} flatten`, { kind: 'reshape', shape: flat }, [x], quantOf(b, x));
}

type ReductionSpec = Extract<OperatorSpec, { kind: 'conv' | 'dense' }>;

function addReduction(b: GraphBuilder, name: string, spec: ReductionSpec, x: TensorId, scheme: Scheme): TensorId {
  if (scheme.winograd !== undefined) return addWinograd(b, name, spec, x, scheme);
  const channels = b.tensors.get(x)!.shape.at(-1)!;
  const { outputs } = spec;
  const groups = spec.kind === 'conv' ? groupsOf(spec, channels) : 1;
  const shape = [outputs, ...(spec.kind === 'conv' ? [spec.kernel, spec.kernel] : []), channels / groups];
  const op = operatorOf(spec, groups);
  const { length, ...reduction } = reductionOf(b, op, x, shape);
  const { lanes, ...single } = singleSegment({ length, ...reduction }, scheme.accumulatorBits, 8);
  const model = { ...single, lanes: scheme.accumulatorBits === 8 && lanes === 8 ? 16 : lanes };
  const { weights, accumulator } = drawWeights(model, outputs, length, scheme);
  const largest = weights.reduce((most, w) => Math.max(most, Math.abs(w)), 1);
  const scale = Array.from({ length: outputs }, (_, o) => Math.fround((0.012 + 0.0004 * (o % 8)) / largest));
  const quant = { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const w = b.constant(`${name} weights`, shape, weights, { quant });
  const bias = b.constant(`${name} bias`, [outputs], new Int32Array(outputs).fill(100));
  const integer: IntegerReduction = { requant: 'fixed', accumulator, mode: 'proven' };
  // Two and a half standard deviations of the sums of uniform operands fill the output's steps.
  const range = quantOf(b, x).scale[0]! * 2 ** scheme.dataBits;
  const deviation = Math.sqrt(length) * (range / 1.7) * (0.0135 / 1.7);
  const y = activation((2.5 * deviation) / 2 ** scheme.dataBits, scheme);
  return addNode(b, name, { ...op, clamp: { lo: 0, hi: Number.POSITIVE_INFINITY }, integer } as Op, [x, w, bias], y);
}

/** A 3×3 convolution in the Winograd domain: random weights that one segment holds, taps rounded so that most fit int8. */
function addWinograd(b: GraphBuilder, name: string, spec: ReductionSpec, x: TensorId, scheme: Scheme): TensorId {
  const { tile, exact } = scheme.winograd!;
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
  return addNode(b, name, op, [x, w, bias], activation((3 * deviation) / 2 ** scheme.dataBits, scheme));
}

function groupsOf({ groups }: Extract<ReductionSpec, { kind: 'conv' }>, channels: number): number {
  return groups === 'depthwise' ? channels : groups;
}

function operatorOf(spec: ReductionSpec, groups: number): Op {
  if (spec.kind === 'dense') return { kind: 'fullyConnected' };
  const { stride, pad } = spec;
  return { kind: 'conv2d', strides: [stride, stride], pads: [pad, pad, pad, pad], dilations: [1, 1], groups };
}

/** What the operator would sum over weights of this shape. */
function reductionOf(b: GraphBuilder, op: Op, x: TensorId, shape: readonly number[]): Reduction {
  const weights = { id: 'weights', shape, dtype: 'int8' } as const;
  const bias = { id: 'bias', shape: [shape[0]!], dtype: 'int32' } as const;
  const node = {
    id: 'n',
    op,
    inputs: [x, 'weights', 'bias'],
    outputs: ['y'],
    origin: { name: 'n', opType: '' },
  } as Node;
  return definitionOf(node).reduction!(node, [b.tensors.get(x)!, weights, bias]);
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
