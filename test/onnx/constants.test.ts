import { describe, expect, it } from 'vitest';
import { expectFaithful, importError, int64, kinds, oneConv, tensor } from './model-helper.ts';

const { weights: w, node: conv, model: plain } = oneConv;

describe('constants', () => {
  it('fold shape arithmetic away', async () => {
    const { imported } = await expectFaithful({
      ...plain,
      nodes: [
        conv,
        { op: 'Shape', inputs: ['n0'] },
        { op: 'Gather', inputs: ['n1', 'zero'] },
        { op: 'Unsqueeze', inputs: ['n2', 'axes'] },
        { op: 'Slice', inputs: ['n1', 'one', 'end'] },
        { op: 'ReduceProd', inputs: ['n4'], attributes: { keepdims: 1 } },
        { op: 'Concat', inputs: ['n3', 'n5'], attributes: { axis: 0 } },
        { op: 'Cast', inputs: ['n6'], attributes: { to: 7 } },
        { op: 'Reshape', inputs: ['n0', 'n7'] },
      ],
      constants: {
        w,
        zero: tensor([], Float64Array.of(0)),
        axes: int64(0),
        one: int64(1),
        // "to the end", as exporters write it
        end: int64(Number.MAX_SAFE_INTEGER),
      },
    });
    expect(kinds(imported).filter((k) => k !== 'transpose')).toEqual(['conv2d', 'reshape']);
    expect(imported.outputs[0]!.shape).toEqual([1, 144]);
  });

  it('may be Constant nodes of every form, and weights may be computed from them', async () => {
    await expectFaithful({
      ...plain,
      nodes: [
        { op: 'Constant', inputs: [], attributes: { value: w } },
        { op: 'Constant', inputs: [], attributes: { value_float: { float: 0.5 } } },
        { op: 'Constant', inputs: [], attributes: { value_ints: [1, -1] } },
        { op: 'Constant', inputs: [], attributes: { value_floats: { floats: [1, 2, 3, 4] } } },
        { op: 'Mul', inputs: ['n0', 'n1'] },
        { op: 'Conv', inputs: ['x', 'n4', 'n3'] },
        { op: 'Reshape', inputs: ['n5', 'n2'] },
      ],
      constants: {},
    });
  });

  it('that cannot be evaluated name their node', async () => {
    const nodes = [
      { op: 'Reshape', inputs: ['w', 's'], name: 'bad' },
      { op: 'Conv', inputs: ['x', 'n0'] },
    ];
    const error = await importError({ ...plain, nodes, constants: { w, s: int64(5, 5) } });
    expect(error).toMatchObject({
      kind: 'reject',
      code: 'cannot-fold',
      message: 'this node has constant inputs, but cannot be evaluated',
      place: 'node "bad" (Reshape)',
    });
  });

  it('behind DequantizeLinear keep their integers', async () => {
    const q = tensor(
      [4, 3, 3, 3],
      Int8Array.from({ length: 108 }, (_, i) => ((i * 37) % 255) - 127),
    );
    const scale = tensor([4], Float32Array.of(0.01, 0.02, 0.005, 0.1));
    const zero = tensor([4], new Int8Array(4));
    const { imported } = await expectFaithful({
      ...plain,
      nodes: [
        { op: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], attributes: { axis: 0 } },
        { op: 'Conv', inputs: ['x', 'n0'] },
      ],
      constants: { q, scale, zero },
    });
    const weights = imported.tensors.get(imported.nodes.find((n) => n.op.kind === 'conv2d')!.inputs[1]!)!;
    expect(weights.quant).toEqual({ scale: Array.from(scale.data), zeroPoint: 0, qmin: -128, qmax: 127, axis: 0 });
    const integers = weights.data!.map((v, i) => Math.round(v / scale.data[Math.floor(i / 27)]!));
    expect([...integers].sort()).toEqual([...Float32Array.from(q.data)].sort());
  });

  it('behind DequantizeLinear keep their grid through a transpose', async () => {
    const q = tensor(
      [10, 5],
      Int8Array.from({ length: 50 }, (_, i) => i - 25),
    );
    const { imported } = await expectFaithful({
      inputs: { x: [1, 10] },
      nodes: [
        { op: 'DequantizeLinear', inputs: ['q', 'scale'], attributes: { axis: 1 } },
        { op: 'Transpose', inputs: ['n0'] },
        { op: 'Gemm', inputs: ['x', 'n1'], attributes: { transB: 1 } },
      ],
      constants: { q, scale: tensor([5], Float32Array.of(1, 2, 3, 4, 5)) },
    });
    expect(imported.tensors.get(imported.nodes[0]!.inputs[1]!)!.quant).toMatchObject({ axis: 0 });
  });
});
