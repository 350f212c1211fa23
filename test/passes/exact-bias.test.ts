import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import type { Tensor } from '../../src/graph/types.ts';
import { withExactBias } from '../../src/passes/exact-bias.ts';
import { proveReduction } from '../../src/quantize/accumulator.ts';

const [channels, length] = [16, 36];
const x = { scale: [0.25], zeroPoint: -8, qmin: -8, qmax: 7 };
const reduction = { channels, length, runLength: length, macs: 0, depthwise: false, shortRows: false };
const model = { bits: 16, lanes: 8, step: 16, runLength: length, segments: [3] };

function layer(largest: number) {
  const random = createRandom(3);
  const data = Int8Array.from({ length: channels * length }, () => random.int(-largest, largest));
  const scale = Array.from({ length: channels }, () => Math.fround(0.01 + random.float() / 50));
  const quant = { scale, zeroPoint: 0, qmin: -127, qmax: 127, axis: 0 };
  const values = Float32Array.from({ length: channels }, () => random.normal());
  const bias: Tensor = { id: 'b', shape: [channels], dtype: 'float32', data: values };
  return { weights: { data, quant }, bias };
}

/** How far the biases are from whole steps, in steps of the file's own scale. */
function errors(scales: readonly number[], bias: Tensor, own: readonly number[]): number[] {
  return scales.map((s, o) => {
    const steps = bias.data![o]! / (x.scale[0]! * s);
    return (Math.abs(steps - Math.round(steps)) * s) / own[o]!;
  });
}

describe('withExactBias', () => {
  it('multiplies the weights of a channel, so that its bias is almost a whole number of steps', () => {
    const { weights, bias } = layer(3);
    const finer = withExactBias(weights, bias, x, model, reduction);
    const own = weights.quant.scale;
    finer.quant.scale.forEach((s, o) => {
      const k = Math.round(own[o]! / s);
      expect(s).toBe(Math.fround(own[o]! / k));
      const channel = (data: Int8Array) => [...data.subarray(o * length, (o + 1) * length)];
      expect(channel(finer.data)).toEqual(channel(weights.data).map((q) => q * k));
    });
    const [before, after] = [errors(own, bias, own), errors(finer.quant.scale, bias, own)];
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(before)).toBeGreaterThan(0.1);
    expect(Math.max(...after)).toBeLessThan(0.01);
    const { worst } = proveReduction(model, finer.data, channels, { lo: x.qmin, hi: x.qmax });
    expect(Math.max(...worst.map(({ lo, hi }) => hi - lo))).toBeLessThanOrEqual(2 ** 16 - 1);
  });

  it('leaves no accumulator too narrow', () => {
    const { weights, bias } = layer(3);
    const narrow = { ...model, bits: 10 };
    const sums = (data: Int8Array) =>
      Math.max(...proveReduction(narrow, data, channels, { lo: x.qmin, hi: x.qmax }).worst.map((r) => r.hi - r.lo));
    expect(sums(weights.data)).toBeLessThan(1023);
    expect(sums(withExactBias(weights, bias, x, narrow, reduction).data)).toBeLessThanOrEqual(1023);
  });

  it('has no room in weights of 8 bits, and nothing to do where the file has integer biases', () => {
    const wide = layer(127);
    expect(withExactBias(wide.weights, wide.bias, x, model, reduction)).toEqual(wide.weights);
    const { weights, bias } = layer(3);
    const integer = { ...bias, quant: { scale: [0.1], zeroPoint: 0, qmin: -(2 ** 31), qmax: 2 ** 31 - 1 } };
    expect(withExactBias(weights, integer, x, model, reduction)).toEqual(weights);
  });
});
