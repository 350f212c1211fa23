import { describe, expect, it } from 'vitest';
import {
  expectFaithful,
  importError,
  kinds,
  type ModelSpec,
  type NodeSpec,
  random,
  tensor,
} from '../onnx/model-helper.ts';
import { check, combinations, named } from './check-cases.ts';

/** ConvTranspose against ONNX Runtime: it becomes a convolution with more channels. */

function transposed(
  attributes: NodeSpec['attributes'],
  w = [4, 5, 3, 3],
  extra: Partial<ModelSpec> = {},
  groups = 1,
): ModelSpec {
  return {
    inputs: { x: [1, w[0]!, 5, 4].slice(0, w.length) },
    nodes: [{ op: 'ConvTranspose', inputs: ['x', 'w', 'b'], attributes: { ...attributes, group: groups } }],
    constants: { w: random(w, 1, 0.3), b: random([w[1]! * groups], 2) },
    ...extra,
  };
}

describe('ConvTranspose', () => {
  check(
    named(
      combinations({ k: [1, 2, 3, 4, 5], stride: [1, 2, 3], pad: [0, 1], extra: [0, 1] }),
      ({ k, stride, pad, extra }) => {
        if (extra >= stride || k <= 2 * pad) return undefined;
        return transposed({ strides: [stride, stride], pads: [pad, pad, pad, pad], output_padding: [extra, extra] }, [
          4,
          5,
          k,
          k,
        ]);
      },
    ),
  );
  check(
    named(combinations({ groups: [2, 4], stride: [1, 2, 3], k: [2, 3] }), ({ groups, stride, k }) =>
      transposed({ strides: [stride, stride] }, [4, 3, k, k], {}, groups),
    ),
  );
  check(
    named(
      combinations({
        auto_pad: ['SAME_UPPER', 'SAME_LOWER', 'VALID'],
        strides: [
          [1, 1],
          [2, 2],
          [3, 2],
        ],
        k: [2, 3],
      }),
      ({ auto_pad, strides, k }) => transposed({ auto_pad, strides }, [4, 5, k, k]),
    ),
  );
  check({
    'strides that differ': transposed({ strides: [2, 3], pads: [1, 0, 0, 2] }),
    'one stride only': transposed({ strides: [1, 2] }, [4, 5, 2, 2]),
    'the other only, groups': transposed({ strides: [3, 1] }, [4, 5, 2, 2], {}, 2),
    'strides that differ, groups': transposed({ strides: [3, 2] }, [4, 5, 2, 4], {}, 2),
    dilations: transposed({ dilations: [2, 3], strides: [2, 1] }),
    'dilations and groups': transposed({ dilations: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] }, [4, 5, 3, 3], {}, 2),
    'pads beyond a stride': transposed({ strides: [2, 2], pads: [3, 4, 3, 4] }, [4, 5, 7, 7]),
    'a stride beyond the kernel': transposed({ strides: [4, 3] }, [4, 5, 2, 2]),
    output_shape: transposed({ strides: [2, 2], output_shape: [10, 8] }),
    'output_shape, SAME_UPPER': transposed({ strides: [2, 2], output_shape: [9, 8], auto_pad: 'SAME_UPPER' }),
    'output_shape beyond the kernels': transposed({ strides: [3, 2], output_shape: [16, 10] }),
    '1-D': transposed({ strides: [2], pads: [1, 1], output_padding: [1] }, [4, 5, 3]),
    '1-D of stride 1': transposed({ pads: [1, 1] }, [4, 5, 3]),
    '1-D, groups': transposed({ strides: [3] }, [4, 5, 4], {}, 2),
    'without bias': { ...transposed({}), nodes: [{ op: 'ConvTranspose', inputs: ['x', 'w'] }] },
    'batch of 2': transposed({ strides: [2, 2] }, [4, 5, 3, 3], { inputs: { x: [2, 4, 5, 4] } }),
  });

  it('takes in a BatchNormalization and a ReLU behind it', async () => {
    const spec = transposed({ strides: [2, 2], pads: [1, 1, 1, 1] }, [4, 5, 4, 4]);
    const norm = ['gamma', 'beta', 'mean', 'variance'];
    for (const groups of [1, 2]) {
      const { optimized } = await expectFaithful({
        inputs: spec.inputs,
        nodes: [
          { ...spec.nodes[0]!, attributes: { ...spec.nodes[0]!.attributes, group: groups } },
          { op: 'BatchNormalization', inputs: ['n0', ...norm] },
          { op: 'Relu', inputs: ['n1'] },
        ],
        constants: {
          w: random([4, 6 / groups, 4, 4], 1),
          b: random([6], 2),
          gamma: random([6], 3),
          beta: random([6], 4),
          mean: random([6], 5),
          variance: tensor([6], new Float32Array(6).fill(0.7)),
        },
      });
      expect(kinds(optimized)).toEqual(['conv2d', 'depthToSpace', 'slice']);
      expect(optimized.nodes[0]!.op).toMatchObject({ clamp: { lo: 0, hi: Infinity } });
    }
  });

  it('of stride 1 is a convolution, and nothing else', async () => {
    const { optimized } = await expectFaithful(transposed({ pads: [1, 1, 1, 1] }));
    expect(kinds(optimized)).toEqual(['conv2d']);
  });

  it('rejects an output_shape that it does not reach', async () => {
    const error = await importError(transposed({ strides: [2, 2], output_shape: [13, 12] }));
    expect(error).toMatchObject({
      code: 'shape-mismatch',
      message: 'its output_shape exceeds the 11 that it computes',
    });
  });
});
