import { describe, expect, it } from 'vitest';
import { must } from '../../../src/core/must.ts';
import type { Graph, QuantParams, TensorId } from '../../../src/graph/types.ts';
import { createFloatEvaluator } from '../../../src/interpret/float.ts';
import { gather } from '../../../src/quantize/calibrate.ts';
import { networkErrorOf } from '../../../src/quantize/search/network-error.ts';
import type { SampledActivations } from '../../../src/quantize/search/output-error.ts';
import { activationGroups } from '../../../src/quantize/steps/groups.ts';
import { Network, noise, relu } from '../networks.ts';

const COUNT = 8;
/** So fine that nothing is rounded to speak of. */
const fine: QuantParams = { scale: [2 ** -20], zeroPoint: 0, qmin: -(2 ** 28), qmax: 2 ** 28 };

/** Two layers and pooling behind the first one's output, which is the group in question. */
function pooled(): { graph: Graph; hidden: TensorId; output: TensorId } {
  const n = new Network('pooled', 3);
  const hidden = n.conv(n.input([1, 8, 8, 3]), 16, 3, { clamp: relu });
  const output = n.conv(hidden, 12, 3, { clamp: relu });
  const classes = n.conv(n.globalMean(output), 6, 1);
  return { graph: n.build(classes), hidden, output };
}

async function sampledOf(graph: Graph): Promise<SampledActivations> {
  const evaluator = await createFloatEvaluator(graph, { activations: 'all' });
  const inputs = gather(noise(graph, COUNT), [...Array(COUNT).keys()]);
  const values = await evaluator.run(inputs, COUNT);
  await evaluator.release();
  return { count: COUNT, values };
}

const groupOf = (graph: Graph, id: TensorId) =>
  must(
    activationGroups(graph).find(({ members }) => members.includes(id)),
    id,
  );

describe('the error at the network’s outputs', () => {
  it('is none where the layers give what they give in float', async () => {
    const { graph, hidden, output } = pooled();
    const sampled = await sampledOf(graph);
    const error = must(await networkErrorOf(graph, sampled, groupOf(graph, hidden)), 'error');
    expect(await error.of(fine, new Map([[output, sampled.values.get(output)!]]))).toBeLessThan(1e-10);
    await error.release();
  });

  it('counts what is missing everywhere, and hardly what averages out', async () => {
    const { graph, hidden, output } = pooled();
    const sampled = await sampledOf(graph);
    const float = sampled.values.get(output)!;
    const error = must(await networkErrorOf(graph, sampled, groupOf(graph, hidden)), 'error');
    // The same power in both: to and fro from position to position, or all one way in channel 0.
    const off = (sign: (position: number) => number) =>
      float.map((v, i) => (i % 12 === 0 ? v + 0.1 * sign(Math.floor(i / 12)) : v));
    const alternating = await error.of(fine, new Map([[output, off((p) => (p % 2 === 0 ? 1 : -1))]]));
    const oneWay = await error.of(fine, new Map([[output, off(() => 1)]]));
    expect(alternating).toBeLessThan(1e-8);
    expect(oneWay).toBeGreaterThan(1e-5);
    await error.release();
  });

  it('sees the rounding that other readers see', async () => {
    const n = new Network('skip', 4);
    const hidden = n.conv(n.input([1, 4, 4, 3]), 8, 3, { clamp: relu });
    const graph = n.build(n.node({ kind: 'add' }, [n.conv(hidden, 8, 3), hidden]));
    const sampled = await sampledOf(graph);
    const error = must(await networkErrorOf(graph, sampled, groupOf(graph, hidden)), 'error');
    const [layer] = groupOf(graph, hidden).readers;
    const outputs = new Map([[layer!.outputs[0]!, sampled.values.get(layer!.outputs[0]!)!]]);
    // The addition reads the group, too, and so sees its rounding.
    const coarse = { scale: [0.5], zeroPoint: -128, qmin: -128, qmax: 127 };
    expect(await error.of(fine, outputs)).toBeLessThan(1e-10);
    expect(await error.of(coarse, outputs)).toBeGreaterThan(1e-4);
    await error.release();
  });

  it('is that of what a softmax reads', async () => {
    const errorOf = async (softmax: boolean) => {
      const n = new Network('sure', 6);
      const hidden = n.conv(n.input([1, 4, 4, 3]), 8, 3, { clamp: relu });
      const output = n.conv(hidden, 6, 3, { clamp: relu });
      const logits = n.globalMean(output);
      const graph = n.build(softmax ? n.node({ kind: 'softmax', axis: 3 }, [logits]) : logits);
      const sampled = await sampledOf(graph);
      const error = must(await networkErrorOf(graph, sampled, groupOf(graph, hidden)), 'error');
      const off = sampled.values.get(output)!.map((v, i) => (i % 6 === 0 ? v + 1 : v));
      const result = await error.of(fine, new Map([[output, off]]));
      await error.release();
      return result;
    };
    const plain = await errorOf(false);
    expect(plain).toBeGreaterThan(1e-3);
    expect(await errorOf(true)).toBeCloseTo(plain, 6);
  });

  it('is not there where one layer of the group reads what another made', async () => {
    const n = new Network('dense', 5);
    const x = n.conv(n.input([1, 4, 4, 3]), 4, 3, { clamp: relu });
    const joined = n.node({ kind: 'concat', axis: 3 }, [x, n.conv(x, 4, 3, { clamp: relu })]);
    const graph = n.build(n.conv(joined, 4, 1));
    expect(await networkErrorOf(graph, await sampledOf(graph), groupOf(graph, x))).toBeUndefined();
  });
});
