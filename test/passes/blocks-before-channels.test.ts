import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/types.ts';
import { exportFloat } from '../../src/onnx/export-float.ts';
import { importSource } from '../../src/onnx/import.ts';
import { optimize } from '../../src/passes/index.ts';
import { agreement } from '../helpers/runtime-agreement.ts';
import {
  buildModel,
  expectFaithful,
  type ModelSpec,
  type NodeSpec,
  random,
  scalar,
  tensor,
} from '../onnx/model-helper.ts';

const constants = { w: random([12, 3, 3, 3], 1, 0.3), b: random([12], 2), deep: random([8, 1, 1, 1], 3) };
const conv: NodeSpec = { op: 'Conv', inputs: ['x', 'w', 'b'], attributes: { pads: [1, 1, 1, 1] } };
const shuffle = (x: string, mode = 'CRD'): NodeSpec => ({
  ...{ op: 'DepthToSpace', inputs: [x] },
  attributes: { blocksize: 2, mode },
});

/** The mode of the optimized graph's DepthToSpace; the graph is known to compute what ONNX Runtime does. */
async function modeOf(nodes: readonly NodeSpec[], more: Partial<ModelSpec> = {}): Promise<string | undefined> {
  const { optimized } = await expectFaithful({ inputs: { x: [1, 3, 5, 4] }, nodes, constants, ...more });
  return mode(optimized);
}

function mode(graph: Graph): string | undefined {
  return graph.nodes.flatMap(({ op }) => (op.kind === 'depthToSpace' ? op.mode : [])).at(0);
}

describe('blocks-before-channels', () => {
  it('has the convolution compute the channels in the order of the blocks', async () => {
    expect(await modeOf([conv, shuffle('n0')])).toBe('DCR');
    expect(await modeOf([conv, { op: 'Relu', inputs: ['n0'] }, shuffle('n1')])).toBe('DCR');
    expect(await modeOf([conv, { op: 'Tanh', inputs: ['n0'] }, shuffle('n1')])).toBe('DCR');
  });

  it('leaves channels that others read, that groups compute, or that come from elsewhere', async () => {
    const twice = await modeOf([conv, shuffle('n0'), { op: 'Sigmoid', inputs: ['n0'] }], { outputs: ['n1', 'n2'] });
    expect(twice).toBe('CRD');
    const depthwise: NodeSpec = { op: 'Conv', inputs: ['x', 'deep'], attributes: { group: 8 } };
    expect(await modeOf([depthwise, shuffle('n0')], { inputs: { x: [1, 8, 5, 4] } })).toBe('CRD');
    expect(await modeOf([shuffle('x')], { inputs: { x: [1, 8, 5, 4] } })).toBe('CRD');
  });

  it('leaves a network whose metadata describes its layers', async () => {
    const spec = { inputs: { x: [1, 3, 5, 4] }, nodes: [conv, shuffle('n0')], constants };
    const imported = await importSource(buildModel(spec), { path: 'net.onnx' });
    expect([mode(optimize(imported)), mode(optimize(imported, true))]).toEqual(['DCR', 'CRD']);
  });

  it('moves the scales of channels along', async () => {
    const quant = (x: string, scale: string, bits: string): NodeSpec => ({
      ...{ op: 'Quant', domain: 'qonnx.custom_op.general' },
      ...{ inputs: [x, scale, 'zero', bits], attributes: { signed: 1, narrow: 1, rounding_mode: 'ROUND' } },
    });
    const scales = Float32Array.from({ length: 12 }, (_, o) => 0.02 * (1 + o));
    const source = buildModel({
      inputs: { x: [1, 3, 5, 4] },
      nodes: [
        ...[quant('x', 's', 'eight'), quant('w', 'ws', 'four')],
        { op: 'Conv', inputs: ['n0', 'n1', 'b'], attributes: { pads: [1, 1, 1, 1] } },
        ...[quant('n2', 'ys', 'eight'), shuffle('n3')],
      ],
      constants: {
        ...{ ...constants, zero: scalar(0), s: scalar(1 / 128), ys: scalar(0.05), four: scalar(4), eight: scalar(8) },
        ws: tensor([12, 1, 1, 1], scales),
      },
    });
    const runnable = exportFloat(await importSource(source, { path: 'net.onnx' })).model;
    const { graph, values, differing } = await agreement(source, { samples: 10, runnable });
    expect(mode(graph)).toBe('DCR');
    expect([values, differing]).toEqual([2400, 0]);
  });
});
