import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnostic, ErrorKind } from '../../src/core/diagnostics.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { type ImportOptions, importModel } from '../../src/onnx/import.ts';
import type { ModelNode } from '../../src/onnx/model.ts';
import {
  buildModel,
  expectFaithful,
  int64,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from './model-helper.ts';

const { onnx } = onnxProto;

const w = random([4, 3, 3, 3], 1);
const conv: NodeSpec = { op: 'Conv', inputs: ['x', 'w'] };
const plain: ModelSpec = { inputs: { x: [1, 3, 8, 8] }, nodes: [conv], constants: { w } };

/** The error's fields without class and stack. */
async function errorOf(
  spec: ModelSpec | Uint8Array,
  options: Partial<ImportOptions> = {},
): Promise<Diagnostic & { kind: ErrorKind }> {
  const bytes = spec instanceof Uint8Array ? spec : encodeModel(buildModel(spec));
  try {
    await importModel(bytes, { path: 'net.onnx', ...options });
  } catch (error) {
    const { kind, code, message, place, hint, details } = error as Diagnostic & { kind: ErrorKind };
    return JSON.parse(JSON.stringify({ kind, code, message, place, hint, details }));
  }
  throw new Error('the model was accepted');
}

describe('a file that is no model', () => {
  const hint = 'Export or download the model again; neonarrow reads ONNX files (.onnx).';
  const whole = encodeModel(buildModel(plain));
  it.each([
    ['empty', new Uint8Array(), 'it is empty'],
    ['text', new TextEncoder().encode('<!DOCTYPE html><html></html>'), 'it is truncated or in another format'],
    ['truncated', whole.slice(0, whole.length - 100), 'it is truncated or in another format'],
    ['a bare header', whole.slice(0, 2), 'it holds no complete model'],
  ])('%s', async (_name, bytes, why) => {
    const message = `this is no ONNX model: ${why}`;
    expect(await errorOf(bytes)).toEqual({
      kind: 'reject',
      code: 'not-an-onnx-file',
      message,
      place: 'net.onnx',
      hint,
    });
  });

  it('is named at every truncation', async () => {
    for (let length = 0; length < whole.length; length += 7) {
      expect(await errorOf(whole.slice(0, length)), `${length} bytes`).toMatchObject({ code: 'not-an-onnx-file' });
    }
  });
});

describe('unsupported models', () => {
  const hint = 'Replace these nodes, or cut the model before them (onnx.utils.extract_model).';
  it('are refused in one message that lists every node', async () => {
    const error = await errorOf({
      ...plain,
      nodes: [
        conv,
        { op: 'LSTM', inputs: ['n0', 'w', 'w'], name: 'lstm' },
        { op: 'Relu', inputs: ['n1'] },
        { op: 'Quant', inputs: ['n2'], domain: 'qonnx.custom_op.general', name: 'q' },
        { op: 'DequantizeLinear', inputs: ['n3', 'w'], name: 'dq' },
      ],
    });
    expect(error).toEqual({
      kind: 'unsupported',
      code: 'unsupported-operator',
      message: '3 nodes of the model cannot be compiled yet',
      details: [
        '"lstm" LSTM: recurrent layers are not supported; use convolutions over time',
        '"q" Quant (qonnx.custom_op.general): operators of domain qonnx.custom_op.general are not read; export standard ONNX operators',
        '"dq" DequantizeLinear: only QuantizeLinear, optional Clip, DequantizeLinear with one scale and zero point is read',
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
    const error = await errorOf({
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
        { op: 'Mul', inputs: ['n0', 'n0'], name: 'square' },
      ],
      outputs: ['n2', 'indices', 'n3'],
    });
    expect(error.details).toEqual([
      '"pool" MaxPool: the indices of a MaxPool. Only its first output is supported.',
      '"square" Mul: Mul of two computed tensors. Only Mul with a constant for each channel is supported.',
    ]);
  });

  const forms: [string, Partial<ModelSpec>, string, string][] = [
    [
      'broadcast constants',
      { nodes: [{ op: 'Add', inputs: ['x', 'mean'] }], constants: { mean: random([3, 8, 8], 1) } },
      'a constant of 3×8×8 with a tensor of 1×3×8×8',
      'Only one value, or one value for each channel, is supported; broadcast along other axes is not.',
    ],
    [
      'constants along rows',
      { nodes: [{ op: 'Mul', inputs: ['x', 'rows'] }], constants: { rows: random([8, 1], 1) } },
      'a constant along axis 2 of 1×3×8×8',
      'Only one value for each channel (axis 1, or the last axis) is supported.',
    ],
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
      'two shapes added',
      { inputs: { x: [1, 3, 8, 8], y: [1, 3, 1, 1] }, nodes: [{ op: 'Add', inputs: ['x', 'y'] }] },
      'Add of 1×3×8×8 and 1×3×1×1',
      'Two computed tensors must have one shape; broadcasting between them is not supported.',
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
    [
      'means over channels and rows',
      { opset: 13, nodes: [{ op: 'ReduceMean', inputs: ['x'], attributes: { axes: [0, 2] } }] },
      'a mean over axes 0, 2 of 1×3×8×8',
      'Only means over the axes of space are supported.',
    ],
  ];
  it.each(forms)('refuse %s', async (_name, spec, message, formHint) => {
    const error = await errorOf({ ...plain, ...spec });
    expect(error).toMatchObject({ kind: 'unsupported', code: 'unsupported-operator', message, hint: formHint });
    expect(error.place).toMatch(/^node ".*" \(\w+\)$/);
  });

  it('refuse opsets that are too old or too new', async () => {
    for (const opset of [6, 22]) {
      expect(await errorOf({ ...plain, opset })).toEqual({
        kind: 'unsupported',
        code: 'unsupported-opset',
        message: `the model uses opset ${opset}; neonarrow reads 7 to 21`,
        hint: 'Export it for opset 17, or convert it with onnx.version_converter.',
      });
    }
  });

  it('refuse an output that is a constant', async () => {
    const spec = { ...plain, nodes: [conv, { op: 'Shape', inputs: ['n0'] }] };
    expect(await errorOf(spec)).toMatchObject({ code: 'constant-output', place: 'output "n1"' });
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
    const error = await errorOf({ ...plain, ...spec });
    const hint = error.message.includes('kernel is larger')
      ? 'Give the model the input size that it was trained with.'
      : 'Check the model with onnx.checker and shape inference.';
    expect(error).toMatchObject({ kind: 'reject', code: 'shape-mismatch', message, hint });
  });

  it('an attribute of another type', async () => {
    const spec = { ...plain, nodes: [{ ...conv, attributes: { group: 'two' } }] };
    expect(await errorOf(spec)).toMatchObject({
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
    expect(await errorOf({ ...plain, constants: { w: tensor(w.shape, data) } })).toEqual({
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
    expect(await errorOf({ ...plain, inputs: { x: ['N', 3, 'height', undefined] } })).toEqual({
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
    expect(await errorOf(plain, { inputShapes: { x: [1, 1, 8, 8] } })).toMatchObject({
      code: 'input-shape-mismatch',
      message: '--input-shape gives 1x1x8x8, the model has 1x3x8x8',
      place: 'input "x"',
    });
    expect(await errorOf(plain, { inputShapes: { y: [1] } })).toMatchObject({
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
    const error = await errorOf({ ...plain, nodes, constants: { w, s: int64(5, 5) } });
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

describe('decoding', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'neonarrow-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The plain model with its weights' protobuf replaced. */
  function withWeights(initializer: Parameters<typeof onnx.TensorProto.create>[0] & object): Uint8Array {
    const model = onnx.ModelProto.decode(encodeModel(buildModel(plain)));
    model.graph!.initializer = [{ name: 'w', dims: [4, 3, 3, 3], ...initializer }];
    return onnx.ModelProto.encode(model).finish();
  }
  const read = async (bytes: Uint8Array): Promise<number[]> =>
    Array.from((await decodeModel(bytes, join(folder, 'net.onnx'))).initializers.get('w')!.data);

  it('gives back what encode wrote', async () => {
    const model = buildModel({
      ...plain,
      nodes: [
        {
          ...conv,
          attributes: { pads: [1, 0, 1, 0], auto_pad: 'NOTSET', alpha: { float: 0.5 }, f: { floats: [1, 2] }, t: w },
        },
      ],
      constants: { w, a: int64(-1, 5), b: tensor([2], Int8Array.of(-128, 127)), c: tensor([1], Int32Array.of(-7)) },
    });
    const again = await decodeModel(encodeModel(model), 'net.onnx');
    expect(again).toEqual({
      ...model,
      outputs: [{ name: 'n0', dtype: undefined, elementType: 'type 0', shape: undefined }],
    });
    expect(encodeModel(again)).toEqual(encodeModel(model));
  });

  it('reads typed fields', async () => {
    expect(await read(withWeights({ dataType: 1, floatData: [...w.data] }))).toEqual([...w.data]);
    const half = withWeights({ dims: [5], dataType: 10, int32Data: [0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff] });
    expect(await read(half)).toEqual([1, -2, Math.fround(0.333251953125), 2 ** -24, 65504]);
    expect(await read(withWeights({ dims: [2], dataType: 7, int64Data: [-3, 9] }))).toEqual([-3, 9]);
    expect(await read(withWeights({ dims: [2], dataType: 11, doubleData: [0.5, 2] }))).toEqual([0.5, 2]);
  });

  it('reads float16 and int64 from raw data', async () => {
    const half = new Uint8Array(Uint16Array.of(0x3c00, 0xbc00).buffer);
    expect(await read(withWeights({ dims: [2], dataType: 10, rawData: half }))).toEqual([1, -1]);
    const long = new Uint8Array(BigInt64Array.of(-1n, 2n ** 63n - 1n).buffer);
    expect(await read(withWeights({ dims: [2], dataType: 7, rawData: long }))).toEqual([-1, Number.MAX_SAFE_INTEGER]);
  });

  it('rejects data of the wrong length', async () => {
    expect(await errorOf(withWeights({ dataType: 1, rawData: new Uint8Array(8) }))).toMatchObject({
      code: 'invalid-model',
      message: 'tensor "w" holds 8 bytes, 4×3×3×3 needs 432',
    });
    expect(await errorOf(withWeights({ dataType: 1, floatData: [1] }))).toMatchObject({
      message: 'tensor "w" holds 1 elements, 4×3×3×3 needs 108',
    });
  });

  it('refuses strings as weights', async () => {
    expect(await errorOf(withWeights({ dataType: 8 }))).toMatchObject({
      kind: 'reject',
      code: 'unsupported-tensor-type',
      message: 'tensor "w" holds elements of string',
    });
  });

  const external = (...entries: [string, string][]): Uint8Array =>
    withWeights({
      dataType: 1,
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: entries.map(([key, value]) => ({ key, value })),
    });

  it('reads external data next to the file', async () => {
    const bytes = new Uint8Array(8 + w.data.byteLength);
    bytes.set(new Uint8Array(w.data.buffer), 8);
    await writeFile(join(folder, 'weights.bin'), bytes);
    expect(await read(external(['location', 'weights.bin'], ['offset', '8'], ['length', '432']))).toEqual([...w.data]);
    expect(await read(external(['location', 'weights.bin'], ['offset', '8']))).toEqual([...w.data]);
    expect(await readFile(join(folder, 'weights.bin'))).toHaveLength(440);
  });

  it.each([
    ['a missing file', [['location', 'gone.bin']], /gone\.bin, which does not exist$/],
    [
      'a short file',
      [
        ['location', 'short.bin'],
        ['length', '432'],
      ],
      /^the data of tensor "w" is in 432 bytes at offset 0 of .*short\.bin, which is shorter$/,
    ],
    ['a file elsewhere', [['location', '../x.bin']], /in "\.\.\/x\.bin", which is not inside the model's folder$/],
  ] as [string, [string, string][], RegExp][])('rejects %s', async (_name, entries, message) => {
    await writeFile(join(folder, 'short.bin'), new Uint8Array(4));
    const error = await errorOf(external(...entries), { path: join(folder, 'net.onnx') });
    expect(error).toMatchObject({
      kind: 'reject',
      code: 'missing-external-data',
      hint: 'Put the external data file next to the model, or save the model in one file (onnx.save_model).',
    });
    expect(error.message).toMatch(message);
  });

  it('names nodes that have no name', async () => {
    const model = buildModel(plain);
    const unnamed = { ...model, nodes: model.nodes.map((n): ModelNode => ({ ...n, name: '' })) };
    expect((await decodeModel(encodeModel(unnamed), 'net.onnx')).nodes[0]!.name).toBe('Conv_0');
  });
});

describe('the examples', () => {
  it.each(['examples/digits/digits.onnx', 'examples/all-cnn-c/all-cnn-c.onnx'])('%s', async (path) => {
    const { optimized } = await expectFaithful(await readFile(path));
    const middle = new Set(kinds(optimized));
    for (const kind of ['transpose', 'affine', 'pad', 'unary']) expect(middle).not.toContain(kind);
  });
});
