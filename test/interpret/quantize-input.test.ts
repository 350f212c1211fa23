import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { GraphBuilder } from '../../src/graph/build.ts';
import type { Graph, Port, QuantParams, Shape } from '../../src/graph/types.ts';
import { portOrder } from '../../src/interpret/order.ts';
import { inputQuantizer } from '../../src/interpret/quantize-input.ts';
import { createModelBuilder } from '../../src/onnx/build-model.ts';
import { runModel } from '../../src/onnx/run.ts';

function graphOf(shape: Shape, quant: QuantParams, port: Pick<Port, 'shape' | 'views'>): Graph {
  const b = new GraphBuilder('input');
  const tensor = b.addTensor({ id: 'x', shape, dtype: 'int8', quant });
  b.inputs.push({ name: 'x', tensor, ...port });
  return b.build();
}

const nchw = { shape: [1, 3, 2, 2], views: [{ kind: 'transpose', perm: [0, 2, 3, 1] }] } as const;

describe('inputQuantizer', () => {
  it('rounds halves to even and clamps', () => {
    const graph = graphOf([1, 6], { scale: [0.5], zeroPoint: 1, qmin: -4, qmax: 3 }, { shape: [1, 6], views: [] });
    const real = Float32Array.of(0.25, 0.75, -0.25, -0.75, 100, -Infinity);
    expect([...inputQuantizer(graph, graph.inputs[0]!)(real, 1)]).toEqual([1, 3, 1, -1, 3, -4]);
  });

  it('moves each sample into the order of the tensor', () => {
    const graph = graphOf([1, 2, 2, 3], { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 }, nchw);
    const real = Float32Array.from({ length: 24 }, (_, i) => i);
    const steps = [...inputQuantizer(graph, graph.inputs[0]!)(real, 2)];
    expect(steps.slice(0, 12)).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(steps.slice(12)).toEqual(steps.slice(0, 12).map((q) => q + 12));
  });

  it('refuses another number of values', () => {
    const graph = graphOf([1, 6], { scale: [1], zeroPoint: 0, qmin: -128, qmax: 127 }, { shape: [1, 6], views: [] });
    expect(() => inputQuantizer(graph, graph.inputs[0]!)(new Float32Array(7), 1)).toThrow(
      '7 values for 1 samples of 6',
    );
  });

  it("is ONNX Runtime's QuantizeLinear to the bit", async () => {
    const random = createRandom(3);
    for (const scale of [0.0078125, Math.fround(0.0123), Math.fround(1 / 255), Math.fround(3.3)]) {
      // Multiples of half a step, their neighbours in float32, and anything.
      const real = Float32Array.from({ length: 3000 }, (_, i) => {
        const tie = Math.fround((random.int(-300, 300) + 0.5) * scale);
        return i % 3 === 0
          ? tie
          : i % 3 === 1
            ? tie * (1 + random.int(-2, 2) * 2 ** -23)
            : random.normal() * 60 * scale;
      });
      const zeroPoint = random.int(-128, 127);
      const b = createModelBuilder('q');
      const operands = [
        b.input('x', [3000]),
        b.constant('scale', [], Float32Array.of(scale)),
        b.constant('zero', [], Int8Array.of(zeroPoint)),
      ];
      b.output('y', b.node('QuantizeLinear', operands), [3000], 'int8');
      const feeds = new Map([['x', { shape: [3000], dtype: 'float32', data: real } as const]]);
      const expected = (await runModel(b.build(), feeds)).get('y')!.data;
      const quant = { scale: [scale], zeroPoint, qmin: -128, qmax: 127 };
      const graph = graphOf([1, 3000], quant, { shape: [1, 3000], views: [] });
      expect(inputQuantizer(graph, graph.inputs[0]!)(real, 1)).toEqual(expected);
    }
  });
});

describe('portOrder', () => {
  it('is undefined where the tensor has the order of the ONNX value', () => {
    expect(
      portOrder({ name: 'x', tensor: 'x', shape: [1, 4], views: [{ kind: 'reshape', shape: [4] }] }),
    ).toBeUndefined();
    expect(portOrder({ name: 'x', tensor: 'x', ...nchw, shape: [1, 1, 2, 2] })).toBeUndefined();
  });

  it('follows views one after the other', () => {
    const views = [
      { kind: 'reshape', shape: [1, 2, 1, 3] },
      { kind: 'transpose', perm: [0, 2, 3, 1] },
    ] as const;
    const order = portOrder({ name: 'x', tensor: 'x', shape: [1, 6], views });
    expect(order).toEqual(Int32Array.of(0, 3, 1, 4, 2, 5));
  });
});
