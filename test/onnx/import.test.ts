import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { importModel } from '../../src/onnx/import.ts';
import {
  buildModel,
  expectFaithful,
  importError,
  int64,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from './model-helper.ts';

const w = random([4, 3, 3, 3], 1);
const conv: NodeSpec = { op: 'Conv', inputs: ['x', 'w'] };
const plain: ModelSpec = { inputs: { x: [1, 3, 8, 8] }, nodes: [conv], constants: { w } };

describe('unsupported models', () => {
  const hint = 'Replace these nodes, or cut the model before them (onnx.utils.extract_model).';
  it('are refused in one message that lists every node', async () => {
    const error = await importError({
      ...plain,
      nodes: [
        conv,
        { op: 'LSTM', inputs: ['n0', 'w', 'w'], name: 'lstm' },
        { op: 'Relu', inputs: ['n1'] },
        { op: 'Fancy', inputs: ['n2'], domain: 'com.example', name: 'f' },
        { op: 'DynamicQuantizeLinear', inputs: ['n0'], outputs: ['i', 's', 'z'], name: 'dynamic' },
        { op: 'ConvInteger', inputs: ['i', 'w', 'z'], outputs: ['j'], name: 'integer' },
        { op: 'DequantizeLinear', inputs: ['n0', 'step'], name: 'dq' },
        { op: 'Hardmax', inputs: ['n3', 'j', 'n6'], name: 'sum' },
      ].map((n, i) => ({ outputs: [`n${i}`], ...n })),
      constants: { w, step: scalar(0.5) },
    });
    expect(error).toEqual({
      kind: 'unsupported',
      code: 'unsupported-operator',
      message: '6 nodes of the model cannot be compiled yet',
      details: [
        '"lstm" LSTM: recurrent layers are not supported; use convolutions over time',
        '"f" Fancy (com.example): operators of domain com.example are not read; export standard ONNX operators',
        '"dynamic" DynamicQuantizeLinear: its scale is only known at run time; quantize statically (onnxruntime.quantization.quantize_static)',
        '"integer" ConvInteger: it belongs to dynamic quantization; quantize statically (onnxruntime.quantization.quantize_static)',
        '"dq" DequantizeLinear: its input holds no int8 or uint8 values of a QuantizeLinear. Give each DequantizeLinear a QuantizeLinear with the same scale and zero point, or an integer input of the model.',
        '"sum" Hardmax: end the model at the scores and take the largest in the application',
      ],
      hint,
    });
  });

  it('do not count what no output needs', async () => {
    const spec = { ...plain, nodes: [conv, { op: 'LSTM', inputs: ['n0', 'w', 'w'] }], outputs: ['n0'] };
    const graph = await importModel(encodeModel(buildModel(spec)), { path: 'net.onnx' });
    expect(kinds(graph)).toEqual(['transpose', 'conv2d', 'transpose']);
  });

  it('list forms of known operators together, too', async () => {
    const error = await importError({
      ...plain,
      nodes: [
        conv,
        {
          op: 'MaxPool',
          inputs: ['n0'],
          outputs: ['m', 'indices'],
          attributes: { kernel_shape: [2, 2] },
          name: 'pool',
        },
        { op: 'Relu', inputs: ['m'] },
        { op: 'Pow', inputs: ['n0', 'n0'], name: 'square' },
      ],
      outputs: ['n2', 'indices', 'n3'],
    });
    expect(error.details).toEqual([
      '"pool" MaxPool: the indices of a MaxPool. Only its first output is supported.',
      '"square" Pow: its input 1 ("n0") is computed at run time. It must be a constant.',
    ]);
  });

  const forms: [string, Partial<ModelSpec>, string, string][] = [
    [
      'weights that are computed',
      { inputs: { x: [1, 3, 8, 8], v: [4, 3, 3, 3] }, nodes: [{ op: 'Conv', inputs: ['x', 'v'] }] },
      'its input 1 ("v") is computed at run time',
      'It must be a constant.',
    ],
    [
      '3-D convolutions',
      {
        inputs: { x: [1, 3, 8, 8, 8] },
        nodes: [{ op: 'Conv', inputs: ['x', 'u'] }],
        constants: { u: random([4, 3, 3, 3, 3], 1) },
      },
      'a window over 3 spatial dimensions',
      'Only 1-D and 2-D windows are supported.',
    ],
    [
      'reflecting pads',
      {
        nodes: [{ op: 'Pad', inputs: ['x', 'p'], attributes: { mode: 'reflect' } }],
        constants: { p: int64(0, 0, 1, 1, 0, 0, 1, 1) },
      },
      'Pad in reflect mode',
      'Only constant padding is supported.',
    ],
    [
      'batch statistics',
      {
        nodes: [{ op: 'BatchNormalization', inputs: ['x', 'c', 'c', 'c', 'c'], attributes: { training_mode: 1 } }],
        constants: { c: random([3], 1) },
      },
      'a BatchNormalization in training mode',
      'Export the model for inference (model.eval() in PyTorch).',
    ],
  ];
  it.each(forms)('refuse %s', async (_name, spec, message, formHint) => {
    const error = await importError({ ...plain, ...spec });
    expect(error).toMatchObject({ kind: 'unsupported', code: 'unsupported-operator', message, hint: formHint });
    expect(error.place).toMatch(/^node ".*" \(\w+\)$/);
  });

  it('refuse opsets that are too old or too new', async () => {
    for (const opset of [6, 24]) {
      expect(await importError({ ...plain, opset })).toEqual({
        kind: 'unsupported',
        code: 'unsupported-opset',
        message: `the model uses opset ${opset}; neonarrow reads 7 to 23`,
        hint: 'Export it for opset 17, or convert it with onnx.version_converter.',
      });
    }
  });

  it('refuse an output that is a constant', async () => {
    const spec = { ...plain, nodes: [conv, { op: 'Shape', inputs: ['n0'] }] };
    expect(await importError(spec)).toMatchObject({ code: 'constant-output', place: 'output "n1"' });
  });
});

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

describe('input shapes', () => {
  it('a symbolic batch becomes 1', async () => {
    const graph = await importModel(encodeModel(buildModel({ ...plain, inputs: { x: ['N', 3, 8, 8] } })), {
      path: 'n.onnx',
    });
    expect(graph.inputs[0]!.shape).toEqual([1, 3, 8, 8]);
    expect(graph.outputs[0]!.shape).toEqual([1, 4, 6, 6]);
  });

  it('other open extents are asked for', async () => {
    expect(await importError({ ...plain, inputs: { x: ['N', 3, 'height', undefined] } })).toEqual({
      kind: 'reject',
      code: 'dynamic-shape',
      message: 'its shape is Nx3xheightx?; all extents but the batch must be known',
      place: 'input "x"',
      hint: 'Fix them with --input-shape x=1x3x32x32 (with the sizes that you want).',
    });
  });

  it('the user can give them', async () => {
    const bytes = encodeModel(buildModel({ ...plain, inputs: { x: ['N', 3, 'height', undefined] } }));
    const graph = await importModel(bytes, { path: 'n.onnx', inputShapes: { x: [2, 3, 5, 6] } });
    expect(graph.outputs[0]!.shape).toEqual([2, 4, 3, 4]);
  });

  it('must fit what the model fixes', async () => {
    expect(await importError(plain, { inputShapes: { x: [1, 1, 8, 8] } })).toMatchObject({
      code: 'input-shape-mismatch',
      message: '--input-shape gives 1x1x8x8, the model has 1x3x8x8',
      place: 'input "x"',
    });
    expect(await importError(plain, { inputShapes: { y: [1] } })).toMatchObject({
      message: 'the model has no input "y"',
      hint: 'Its inputs are "x".',
    });
  });
});

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

describe('the examples', () => {
  it.each(['examples/digits/digits.onnx', 'examples/all-cnn-c/all-cnn-c.onnx'])('%s', async (path) => {
    const { optimized } = await expectFaithful(await readFile(path));
    const middle = new Set(kinds(optimized));
    for (const kind of ['transpose', 'affine', 'pad', 'unary']) expect(middle).not.toContain(kind);
  });
});
