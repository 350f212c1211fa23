import { describe, expect, it } from 'vitest';
import { addValues, createHistogram } from '../../../src/quantize/histogram.ts';
import { chooseActivation } from '../../../src/quantize/steps/activations.ts';
import { activationGroups } from '../../../src/quantize/steps/groups.ts';
import { mixedNetwork, Network } from '../networks.ts';

describe('activationGroups', () => {
  it('joins what only moves values, and names the layers that read', () => {
    const groups = activationGroups(mixedNetwork());
    expect(groups.map((g) => [g.members.join(' '), g.readers.map((n) => n.origin.name).join(' ')])).toEqual([
      ['x', 'conv2d0'],
      ['conv2d0', 'conv2d1'],
      ['conv2d1', 'conv2d2'],
      ['conv2d2', ''],
      ['add3 maxPool4', 'conv2d5 conv2d6'],
      ['conv2d5 unary7 concat8', ''],
      ['conv2d6', ''],
      ['averagePool9 reshape10', 'fullyConnected11'],
      ['fullyConnected11', 'fullyConnected12'],
      ['fullyConnected12', ''],
      ['softmax13', ''],
    ]);
  });

  it('knows the natural range of sigmoid and tanh, unless joined with something else', () => {
    const n = new Network('natural');
    const x = n.input([1, 4]);
    const sigmoid = n.node({ kind: 'unary', fn: { name: 'sigmoid' } }, [x]);
    const tanh = n.node({ kind: 'unary', fn: { name: 'tanh' } }, [x]);
    const tied = n.node({ kind: 'concat', axis: 1 }, [n.node({ kind: 'unary', fn: { name: 'sigmoid' } }, [x]), x]);
    const flat = n.node({ kind: 'reshape', shape: [4] }, [sigmoid]);
    const groups = activationGroups(n.build(flat, tanh, tied));
    const naturalOf = (id: string) => groups.find((g) => g.members.includes(id))!.natural;
    expect([naturalOf(flat), naturalOf(tanh), naturalOf(tied)]).toEqual(['sigmoid', 'tanh', undefined]);
  });
});

describe('chooseActivation', () => {
  const options = { clipping: 'mse', grid: 'float32' } as const;
  const group = { members: ['t'], readers: [] };

  it('takes natural ranges whole, whatever was seen', () => {
    const seen = createHistogram();
    addValues(seen, Float32Array.of(0.1, 0.2, 0.3));
    const of = (natural: 'sigmoid' | 'tanh' | 'softmax', bits: number) =>
      chooseActivation({ ...group, natural }, seen, { ...options, steps: 2 ** bits - 1 });
    expect(of('sigmoid', 8).quant).toEqual({ scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 });
    expect(of('sigmoid', 5).quant).toEqual({ scale: [1 / 32], zeroPoint: -16, qmin: -16, qmax: 15 });
    expect(of('tanh', 8).quant).toEqual({ scale: [1 / 128], zeroPoint: 0, qmin: -128, qmax: 127 });
    expect(of('softmax', 4).quant).toEqual({ scale: [1 / 256], zeroPoint: -128, qmin: -128, qmax: 127 });
    expect(of('tanh', 4).noise).toBeGreaterThan(of('tanh', 8).noise);
  });
});
