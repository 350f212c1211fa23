import { describe, expect, it } from 'vitest';
import { expectFaithful, importError, int64, type ModelSpec, oneConv, scalar, tensor } from './model-helper.ts';

const { weights: w, node: conv, model: plain } = oneConv;

describe('models that contradict themselves', () => {
  const cases: [string, Partial<ModelSpec>, string][] = [
    ['channels', { inputs: { x: [1, 5, 8, 8] } }, 'weights of 4×3×3×3 in 1 group(s) do not fit an input of 1×5×8×8'],
    [
      'a kernel that is too large',
      { inputs: { x: [1, 3, 2, 2] } },
      'the 3×3 kernel is larger than the padded input of 2×2',
    ],
    [
      'a reshape',
      { nodes: [{ op: 'Reshape', inputs: ['x', 's'] }], constants: { s: int64(1, 100) } },
      '1×3×8×8 cannot become 1×100',
    ],
    [
      'an axis',
      { nodes: [{ op: 'Concat', inputs: ['x', 'x'], attributes: { axis: 4 } }] },
      'axis 4 does not exist in a tensor of rank 4',
    ],
    [
      'strides',
      { nodes: [{ ...conv, attributes: { strides: [1] } }] },
      'strides 1 does not fit 2 spatial dimension(s)',
    ],
    ['a missing input', { nodes: [{ op: 'Conv', inputs: ['x'] }] }, 'input 1 is missing'],
  ];
  it.each(cases)('%s', async (_name, spec, message) => {
    const error = await importError({ ...plain, ...spec });
    const hint = error.message.includes('kernel is larger')
      ? 'Give the model the input size that it was trained with.'
      : 'Check the model with onnx.checker and shape inference.';
    expect(error).toMatchObject({ kind: 'reject', code: 'shape-mismatch', message, hint });
  });

  it('a value that nothing makes', async () => {
    expect(await importError({ ...plain, nodes: [{ op: 'Relu', inputs: ['nowhere'] }] })).toMatchObject({
      code: 'invalid-model',
      message: 'it reads "nowhere", which is no input or constant, and no node before it makes it',
      place: 'node "relu_0" (Relu)',
    });
  });

  it('an attribute of another type', async () => {
    const spec = { ...plain, nodes: [{ ...conv, attributes: { group: 'two' } }] };
    expect(await importError(spec)).toMatchObject({
      code: 'invalid-model',
      message: 'attribute group is of type string, not int',
      place: 'node "conv_0" (Conv)',
    });
  });
});

describe('weights that are not finite', () => {
  it.each([Number.NaN, Infinity])('%s', async (bad) => {
    const data = w.data.slice();
    data[7] = bad;
    expect(await importError({ ...plain, constants: { w: tensor(w.shape, data) } })).toEqual({
      kind: 'reject',
      code: 'non-finite-weights',
      message: `tensor "w" holds ${bad} at index 7`,
      place: 'node "conv_0" (Conv)',
      hint: 'The training has diverged or the export went wrong; use a checkpoint with finite weights.',
    });
  });

  it('does not concern open bounds of a Clip', async () => {
    const nodes = [conv, { op: 'Clip', inputs: ['n0', 'lo', 'hi'] }];
    await expectFaithful({ ...plain, nodes, constants: { w, lo: scalar(0), hi: scalar(Infinity) } });
  });
});
