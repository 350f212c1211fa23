import { describe, expect, it } from 'vitest';
import {
  expectFaithful,
  importError,
  int64,
  type ModelSpec,
  type NodeSpec,
  random,
  tensor,
} from '../onnx/model-helper.ts';
import { check, combinations, named } from './check-cases.ts';

/** Resize and Upsample against ONNX Runtime, over all coordinate transforms, roundings and factors. */

const floats = (...values: number[]) => tensor([values.length], Float32Array.from(values));

interface Size {
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
}

function resize(x: number[], { scales, sizes }: Size, attributes: NodeSpec['attributes'], opset = 13): ModelSpec {
  return {
    inputs: { x },
    nodes: [{ op: 'Resize', inputs: ['x', '', ...(scales ? ['scales'] : ['', 'sizes'])], attributes }],
    constants: scales ? { scales: floats(...scales) } : { sizes: int64(...sizes!) },
    opset,
  };
}

const transforms = ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'];
const image = [1, 3, 5, 7];
const sizes: readonly Size[] = [
  { scales: [1, 1, 2, 2] },
  { scales: [1, 1, 3, 2] },
  { scales: [1, 1, 0.6, 0.5] },
  { scales: [1, 1, 1.3, 2.7] },
  { sizes: [1, 3, 8, 9] },
  { sizes: [1, 3, 2, 3] },
  { sizes: [1, 3, 1, 1] },
];

/** align_corners with scales that give no whole sizes is refused. */
function isWhole({ scales }: Size, transform: string): boolean {
  return transform !== 'align_corners' || (scales?.every((s, i) => Number.isInteger(s * image[i]!)) ?? true);
}

describe('nearest', () => {
  check(
    named(
      combinations({
        size: sizes,
        transform: transforms,
        rounding: ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'],
      }),
      ({ size, transform, rounding }) =>
        isWhole(size, transform) &&
        resize(image, size, {
          mode: 'nearest',
          coordinate_transformation_mode: transform,
          nearest_mode: rounding,
        }),
    ),
  );
});

describe('linear', () => {
  check(
    named(
      combinations({ size: sizes, transform: transforms }),
      ({ size, transform }) =>
        isWhole(size, transform) && resize(image, size, { mode: 'linear', coordinate_transformation_mode: transform }),
    ),
  );
});

describe('other forms', () => {
  const behind = (...nodes: NodeSpec[]): ModelSpec => ({
    inputs: { x: [1, 2, 4, 6] },
    nodes: [
      { op: 'Conv', inputs: ['x', 'w'] },
      ...nodes,
      { op: 'Relu', inputs: [`n${nodes.length}`] },
      { op: 'Conv', inputs: [`n${nodes.length + 1}`, 'v'] },
    ],
    constants: {
      w: random([3, 2, 1, 1], 1),
      v: random([2, 3, 1, 1], 2),
      double: floats(1, 1, 2, 2),
      height: floats(3),
      rows: int64(9),
      both: int64(9, 10),
      wide: int64(8, 15),
    },
  });
  check({
    'between convolutions': behind({ op: 'Resize', inputs: ['n0', '', 'double'], attributes: { mode: 'nearest' } }),
    'opset 10': { ...behind({ op: 'Resize', inputs: ['n0', 'double'], attributes: { mode: 'nearest' } }), opset: 10 },
    'opset 10, linear': {
      ...behind({ op: 'Resize', inputs: ['n0', 'double'], attributes: { mode: 'linear' } }),
      opset: 10,
    },
    'opset 11': {
      ...behind({ op: 'Resize', inputs: ['n0', 'roi', 'double'] }),
      opset: 11,
      ...{
        constants: {
          ...behind().constants,
          roi: floats(),
        },
      },
    },
    'Upsample 7': {
      ...behind({ op: 'Upsample', inputs: ['n0'], attributes: { scales: { floats: [1, 1, 2, 3] } } }),
      opset: 7,
    },
    'Upsample 9, linear': {
      ...behind({ op: 'Upsample', inputs: ['n0', 'double'], attributes: { mode: 'linear' } }),
      opset: 9,
    },
    'some axes': { ...behind({ op: 'Resize', inputs: ['n0', '', 'height'], attributes: { axes: [2] } }), opset: 18 },
    'sizes of some axes': {
      ...behind({ op: 'Resize', inputs: ['n0', '', '', 'both'], attributes: { axes: [3, 2], mode: 'linear' } }),
      opset: 18,
    },
    'at most these sizes': {
      ...behind({
        op: 'Resize',
        inputs: ['n0', '', '', 'wide'],
        attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' },
      }),
      opset: 18,
    },
    'at least these sizes': {
      ...behind({
        op: 'Resize',
        inputs: ['n0', '', '', 'wide'],
        attributes: { axes: [2, 3], keep_aspect_ratio_policy: 'not_smaller', mode: 'linear' },
      }),
      opset: 18,
    },
    'half_pixel_symmetric of whole sizes': {
      ...behind({
        op: 'Resize',
        inputs: ['n0', '', 'double'],
        attributes: { mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' },
      }),
      opset: 19,
    },
    'channels-last': resize([1, 5, 7, 3], { scales: [1, 2, 2, 1] }, { mode: 'nearest' }),
    '1-D': resize([1, 3, 8], { scales: [1, 1, 2.5] }, { mode: 'nearest' }),
    'a matrix': resize([5, 7], { scales: [2, 2] }, { mode: 'linear' }),
    channels: resize([1, 4, 3, 2], { scales: [1, 2, 1, 1] }, { mode: 'nearest' }),
    nothing: resize([1, 4, 3, 2], { scales: [1, 1, 1, 1] }, { mode: 'nearest' }),
    tf_half_pixel_for_nn: {
      ...behind({
        op: 'Resize',
        inputs: ['n0', 'roi', 'double'],
        attributes: { coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'floor' },
      }),
      constants: { ...behind().constants, roi: floats() },
      opset: 11,
    },
  });

  it.each([
    ['cubic', { mode: 'cubic' }, 'a cubic Resize'],
    [
      'a crop',
      { coordinate_transformation_mode: 'tf_crop_and_resize' },
      'coordinate_transformation_mode tf_crop_and_resize',
    ],
  ])('refuses %s', async (_name, attributes, message) => {
    const error = await importError(resize(image, { scales: [1, 1, 2.5, 1.3] }, attributes));
    expect(error).toMatchObject({ code: 'unsupported-operator', message });
  });

  it('reads the same network from what it writes', async () => {
    const { optimized } = await expectFaithful(resize(image, { sizes: [1, 3, 8, 9] }, { mode: 'linear' }));
    expect(optimized.nodes[0]!.op).toMatchObject({ kind: 'resize', size: [8, 9] });
  });
});
