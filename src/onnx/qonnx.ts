import { type NeonarrowError, unsupported } from '../core/diagnostics.ts';
import { sizeOf } from '../graph/shape.ts';
import type { QuantParams } from '../graph/types.ts';
import { roundHalfEven } from '../numeric/neon.ts';
import { placeOf } from '../ops/errors.ts';
import type { Importer } from '../ops/source.ts';
import { attributesOf } from './attributes.ts';
import type { FoldedTensor } from './folded-tensor.ts';
import { signedGrid } from './integer-values.ts';
import type { ModelNode } from './model.ts';

/** QONNX (Brevitas, A2Q, FINN): quantization as one operator on real values, with any bit width. */

const domains = new Set(['qonnx.custom_op.general', 'onnx.brevitas', 'finn.custom_op.general']);
const operators = new Set(['Quant', 'IntQuant', 'BipolarQuant', 'Trunc']);

export function isQonnx({ domain, opType }: Pick<ModelNode, 'domain' | 'opType'>): boolean {
  return domains.has(domain) && operators.has(opType);
}

/** The integers that `bits` bits hold. */
function rangeOf(bits: number, signed: boolean, narrow: boolean): [number, number] {
  if (signed) return [-(2 ** (bits - 1)) + (narrow ? 1 : 0), 2 ** (bits - 1) - 1];
  return [0, 2 ** bits - 1 - (narrow ? 1 : 0)];
}

const roundings: Readonly<Record<string, (x: number) => number>> = {
  ROUND: roundHalfEven,
  HALF_EVEN: roundHalfEven,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  UP: (x) => Math.sign(x) * Math.ceil(Math.abs(x)),
  DOWN: Math.trunc,
  ROUND_TO_ZERO: Math.trunc,
  HALF_UP: (x) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5),
  HALF_DOWN: (x) => Math.sign(x) * Math.ceil(Math.abs(x) - 0.5),
};

/** Quant, IntQuant: rounds a computed tensor to a grid of one scale. */
export function parseQonnx(im: Importer): void {
  const { opType, attributes } = im.node;
  if (opType === 'Trunc') {
    throw im.refuse('Trunc of a computed tensor', 'Quantize behind the average pool (Quant) instead of truncating.');
  }
  if (opType === 'BipolarQuant') {
    throw im.refuse('activations of −1 and 1 only', 'Binary weights are read; give activations at least 2 bits.');
  }
  const [scale, zero, width] = [im.constant(1), im.constant(2), im.constant(3)];
  if (sizeOf(scale.shape) !== 1 || sizeOf(zero.shape) !== 1) {
    throw im.refuse('activations with a scale for each channel', 'Quantize activations with one scale a tensor.');
  }
  const mode = attributes.string('rounding_mode', 'ROUND').toUpperCase();
  if (mode !== 'ROUND' && mode !== 'HALF_EVEN') {
    throw im.refuse(`activations rounded by ${mode}`, 'Train with rounding to nearest (ROUND).');
  }
  const [bits, zeroPoint] = [width.data[0]!, zero.data[0]!];
  if (!Number.isInteger(bits) || bits < 2 || bits > 8) {
    throw im.refuse(`activations of ${bits} bits`, 'Quantize activations to 2 to 8 bits.');
  }
  if (!(scale.data[0]! > 0)) throw im.invalid(`its scale is ${scale.data[0]}`);
  const signed = attributes.int('signed', 1) !== 0;
  const bounds = rangeOf(bits, signed, attributes.int('narrow', 0) !== 0);
  if (!Number.isInteger(zeroPoint) || zeroPoint < bounds[0] || zeroPoint > bounds[1]) {
    throw im.refuse(`the zero point ${zeroPoint}`, `It must be a whole number from ${bounds[0]} to ${bounds[1]}.`);
  }
  const quant = signedGrid(signed ? 'int8' : 'uint8', scale.data[0]!, zeroPoint, bounds);
  im.bind(im.emit({ kind: 'fakeQuant', quant }, [im.input(0).id]));
}

/**
 * Evaluates a QONNX node on constants: weights.
 * @returns its real values, and the grid that they are on
 * @throws unsupported where the grid is none that weights can have
 */
export function foldQonnx(node: ModelNode, inputs: readonly (FoldedTensor | undefined)[]): FoldedTensor {
  const [x, scale] = inputs as [FoldedTensor, FoldedTensor];
  const attributes = attributesOf(node);
  const axis = scaleAxis(node, x, scale);
  const scales = Array.from(scale.data);
  if (!scales.every((s) => s > 0)) throw refusal(node, 'a scale that is not positive', 'Export the model again.');
  const inner = axis === undefined ? 1 : sizeOf(x.shape.slice(axis + 1));
  const scaleAt = (i: number) => scales[axis === undefined ? 0 : Math.floor(i / inner) % scales.length]!;
  const { round, zeroPoint, bounds } = gridOf(node, inputs, attributes.string('rounding_mode', ''));
  const q = Float64Array.from(x.data, (v, i) => round(Math.fround(Math.fround(v / scaleAt(i)) + zeroPoint)));
  const data = Float32Array.from(q, (v, i) => Math.fround(v - zeroPoint) * scaleAt(i));
  const quant: QuantParams = {
    scale: scales,
    zeroPoint,
    qmin: bounds[0],
    qmax: bounds[1],
    ...(axis !== undefined && { axis }),
  };
  return { shape: x.shape, dtype: 'float32', data, quant };
}

interface ConstantGrid {
  /** From x / scale + zero point to the integer. */
  readonly round: (x: number) => number;
  readonly zeroPoint: number;
  readonly bounds: readonly [number, number];
}

function gridOf(node: ModelNode, inputs: readonly (FoldedTensor | undefined)[], mode: string): ConstantGrid {
  if (node.opType === 'BipolarQuant') return { round: (x) => (x >= 0 ? 1 : -1), zeroPoint: 0, bounds: [-1, 1] };
  const [zeros, width, target] = inputs.slice(2).map((t) => t?.data);
  const zeroPoint = zeros?.[0] ?? 0;
  const bits = width?.[0] ?? 8;
  const rounding = roundings[mode.toUpperCase() || (node.opType === 'Trunc' ? 'FLOOR' : 'ROUND')];
  if (rounding === undefined) throw refusal(node, `the rounding mode ${mode}`, 'Use ROUND.');
  if (!Number.isInteger(zeroPoint) || zeros?.some((z) => z !== zeroPoint)) {
    throw refusal(node, 'zero points that differ or are no whole numbers', 'Quantize weights symmetrically.');
  }
  const attributes = attributesOf(node);
  const signed = attributes.int('signed', 1) !== 0;
  if (node.opType === 'Trunc') {
    const dropped = 2 ** (bits - (target?.[0] ?? bits));
    return { round: (x) => rounding(roundHalfEven(x) / dropped), zeroPoint, bounds: rangeOf(bits, signed, false) };
  }
  const bounds = rangeOf(bits, signed, attributes.int('narrow', 0) !== 0);
  const clip = (x: number): number => Math.min(bounds[1], Math.max(bounds[0], x));
  return { round: (x) => rounding(clip(x)), zeroPoint, bounds };
}

/** The axis along which the scale varies; undefined where it is one value. */
function scaleAxis(node: ModelNode, x: FoldedTensor, scale: FoldedTensor): number | undefined {
  if (sizeOf(scale.shape) === 1) return undefined;
  const offset = x.shape.length - scale.shape.length;
  const axes = scale.shape.flatMap((d, i) => (d === 1 ? [] : [i + offset]));
  const [axis] = axes;
  if (axes.length === 1 && axis !== undefined && x.shape[axis] === scale.data.length) return axis;
  throw refusal(node, 'scales along several axes', 'Quantize weights with one scale, or one an output channel.');
}

function refusal(node: ModelNode, message: string, hint: string): NeonarrowError {
  return unsupported({ code: 'unsupported-operator', message, place: placeOf(node), hint });
}
