import { describe } from 'vitest';
import { type ModelSpec, type NodeSpec, random } from '../onnx/model-helper.ts';
import { check } from './check-cases.ts';

function conv(attributes: NodeSpec['attributes'], w = [4, 6, 3, 3], extra: Partial<ModelSpec> = {}): ModelSpec {
  return {
    inputs: { x: [1, 6, 9, 8] },
    nodes: [{ op: 'Conv', inputs: ['x', 'w', 'b'], attributes }],
    constants: { w: random(w, 1, 0.3), b: random([w[0]!], 2) },
    ...extra,
  };
}

describe('Conv', () => {
  check({
    plain: conv({}),
    'without a bias': { ...conv({}), nodes: [{ op: 'Conv', inputs: ['x', 'w'] }] },
    'asymmetric pads': conv({ pads: [0, 1, 2, 1] }),
    strides: conv({ strides: [2, 3], pads: [1, 1, 1, 1] }),
    dilations: conv({ dilations: [2, 1], pads: [2, 1, 2, 1] }),
    groups: conv({ group: 2, pads: [1, 1, 1, 1] }, [4, 3, 3, 3]),
    depthwise: conv({ group: 6, kernel_shape: [3, 3] }, [6, 1, 3, 3]),
    'depthwise with a multiplier': conv({ group: 6 }, [12, 1, 3, 3]),
    '1×1': conv({}, [4, 6, 1, 1]),
    'kernel of the whole plane': conv({}, [4, 6, 9, 8]),
    'oblong kernel': conv({ pads: [0, 2, 0, 2] }, [4, 6, 1, 5]),
    'batch of 2': conv({}, [4, 6, 3, 3], { inputs: { x: [2, 6, 9, 8] } }),
    'a parameter as auto_pad NOTSET': conv({ auto_pad: 'NOTSET', pads: [1, 0, 0, 1] }),
    SAME_UPPER: conv({ auto_pad: 'SAME_UPPER', strides: [2, 2] }, [4, 6, 4, 3]),
    SAME_LOWER: conv({ auto_pad: 'SAME_LOWER', strides: [2, 2] }, [4, 6, 4, 3]),
    VALID: conv({ auto_pad: 'VALID', strides: [2, 1] }),
    'opset 7': conv({ pads: [1, 1, 1, 1] }, [4, 6, 3, 3], { opset: 7 }),
    'opset 21': conv({ pads: [1, 1, 1, 1] }, [4, 6, 3, 3], { opset: 21 }),
    '1-D': conv({ pads: [1, 2], strides: [2] }, [4, 6, 3], { inputs: { x: [1, 6, 11] } }),
    '1-D SAME_UPPER, groups': conv({ auto_pad: 'SAME_UPPER', group: 3 }, [6, 2, 4], { inputs: { x: [1, 6, 11] } }),
  });
});
