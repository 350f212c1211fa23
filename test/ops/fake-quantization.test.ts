import { describe, expect, it } from 'vitest';
import { expectFaithful, kinds, type ModelSpec, type NodeSpec, scalar, tensor } from '../onnx/model-helper.ts';
import { check } from './check-cases.ts';

describe('fake quantization', () => {
  const grid = {
    s: scalar(0.05),
    zero: tensor([], Uint8Array.of(120)),
    lo: tensor([], Uint8Array.of(0)),
    hi: tensor([], Uint8Array.of(15)),
    z8: tensor([], Int8Array.of(-3)),
  };
  const quantized = (...nodes: NodeSpec[]): ModelSpec => ({ inputs: { x: [1, 6, 4, 4] }, nodes, constants: grid });
  check({
    uint8: quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's', 'zero'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's', 'zero'] },
    ),
    int8: quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z8'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's', 'z8'] },
    ),
    'without a zero point': quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's'] },
      { op: 'DequantizeLinear', inputs: ['n0', 's'] },
    ),
    'clipped to 4 bits': quantized(
      { op: 'QuantizeLinear', inputs: ['x', 's'] },
      { op: 'Clip', inputs: ['n0', 'lo', 'hi'] },
      { op: 'DequantizeLinear', inputs: ['n1', 's'] },
    ),
  });
  it('takes the narrow width from the clip', async () => {
    const { optimized } = await expectFaithful(
      quantized(
        { op: 'QuantizeLinear', inputs: ['x', 's'] },
        { op: 'Clip', inputs: ['n0', 'lo', 'hi'] },
        { op: 'DequantizeLinear', inputs: ['n1', 's'] },
      ),
    );
    expect(kinds(optimized)).toEqual(['fakeQuant']);
    expect(optimized.nodes[0]!.op).toMatchObject({ quant: { zeroPoint: -8, qmin: -8, qmax: 7 } });
  });
});
