import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { importModel } from '../../src/onnx/import.ts';
import { buildModel, importError, int64, kinds, type ModelSpec, oneConv, random, scalar } from './model-helper.ts';

const { weights: w, node: conv, model: plain } = oneConv;

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
