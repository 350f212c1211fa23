import { describe, expect, it } from 'vitest';
import { printGraph } from '../../src/graph/print.ts';
import { passes } from '../../src/passes/index.ts';
import { kinds } from '../onnx/model-helper.ts';
import { conv, norm, optimized, relu } from './optimized.ts';

describe('the passes', () => {
  it('return the same object the second time', async () => {
    const nodes = [conv('x', 'first'), norm('n0'), relu('n1'), conv('n2'), { op: 'Flatten', inputs: ['n3'] }];
    const graph = await optimized(nodes);
    for (const pass of passes) expect(pass.run(graph), pass.name).toBe(graph);
  });

  it('leave a graph that reads well', async () => {
    const graph = await optimized([conv('x', 'first'), norm('n0'), relu('n1'), { op: 'Tanh', inputs: ['n2'] }]);
    expect(printGraph(graph)).toBe(
      [
        'graph test',
        '  input x 1×3×8×6 transpose[0,2,3,1] -> %x: float32[1×8×6×3]',
        '  %n2: float32[1×8×6×4] = conv2d(%x, const float32[4×3×3×3], const float32[4])' +
          ' strides=[1,1] dilations=[1,1] pads=[1,1,1,1] groups=1 clamp={lo:0 hi:Infinity} // conv_0',
        '  %n3: float32[1×8×6×4] = unary(%n2) fn={name:tanh} // tanh_3',
        '  output n3 1×4×8×6 <- transpose[0,3,1,2] %n3',
        '',
      ].join('\n'),
    );
  });
});

describe('dead-code and fold-identity', () => {
  it('drop what computes only a shape, and what does nothing', async () => {
    const graph = await optimized([
      conv('x', 'first'),
      conv('n0'),
      { op: 'Shape', inputs: ['n1'] },
      { op: 'Reshape', inputs: ['n0', 'n2'] },
      { op: 'Clip', inputs: ['n3'] },
    ]);
    expect(kinds(graph)).toEqual(['conv2d']);
  });

  it('keep an output that is an input', async () => {
    const graph = await optimized([{ op: 'Identity', inputs: ['x'] }]);
    expect(graph.outputs[0]!.tensor).toBe(graph.inputs[0]!.tensor);
  });
});
