import { describe, expect, it } from 'vitest';
import { type ModelSpec, scalar, tensor } from '../onnx/model-helper.ts';
import { conv, fused, int8, options, Qdq, uint8 } from './qdq-models.ts';

describe('fuseQdq refuses', () => {
  async function detailsOf(spec: ModelSpec, given = options): Promise<readonly string[]> {
    const error: unknown = await fused(spec, given).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: 'unsupported', code: 'not-quantized' });
    return (error as { details: readonly string[] }).details;
  }

  it('a float network, naming everything', async () => {
    const m = new Qdq();
    const y = m.node('Relu', [
      m.node('Conv', ['x', m.constant('w', tensor([2, 4, 1, 1], new Float32Array(8).fill(1)))]),
    ]);
    expect(await detailsOf(m.model([y]))).toEqual([
      'input "x": it is not quantized',
      'node "Conv0" (Conv): its input is not quantized',
    ]);
  });

  it('float weights, and an output that nothing rounds', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.05, int8(0));
    const w = m.constant('w', tensor([2, 4, 1, 1], new Float32Array(8).fill(1)));
    const y = m.round(m.node('Conv', [x, w]), 0.1, int8(0));
    const z = m.node('Sigmoid', [y]);
    expect(await detailsOf(m.model([z]))).toEqual([
      'node "Conv2" (Conv): its weights are not quantized',
      'node "Sigmoid5" (Sigmoid): its output is not quantized',
    ]);
  });

  it('one value on two grids, and readers in front of a grid', async () => {
    const m = new Qdq();
    const a = m.round('x', 0.05, int8(0));
    const b = m.round('x', 0.07, int8(0));
    const y = m.round(m.node('Add', [a, b]), 0.1, int8(0));
    const details = await detailsOf(m.model([y]));
    expect(details[0]).toBe('node "q2:quantize" (QuantizeLinear): its input is quantized in two ways');

    const r = new Qdq();
    const rounded = r.round('x', 0.05, int8(0));
    const sum = r.round(r.node('Add', [rounded, 'x']), 0.1, int8(0));
    expect(await detailsOf(r.model([sum]))).toEqual([
      'node "Add2" (Add): it reads a value that is quantized for others only',
    ]);
  });

  it('weights around a zero point that takes them out of int8', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.05, int8(0));
    const w = m.stored('w', tensor([2, 4, 1, 1], Uint8Array.from([0, 255, 1, 2, 3, 4, 5, 6])), scalar(0.1), uint8(3));
    const y = m.round(m.node('Conv', [x, w]), 0.1, int8(0));
    expect(await detailsOf(m.model([y]))).toEqual([
      'node "Conv3" (Conv): its weights, -3 to 252 around their zero point, exceed int8',
    ]);
  });

  it('weights that no flushing fits into the accumulator', async () => {
    const m = new Qdq();
    const x = m.round('x', 0.03, int8(0));
    const spec = m.model([m.round(conv(m, x, 0.03, 6), 0.1, int8(0))]);
    await expect(fused(spec, { ...options, accBits: 12 })).rejects.toMatchObject({ code: 'accumulator-overflow' });
  });
});
