import { describe, expect, it } from 'vitest';
import { divergenceOf, quantizedAnswers, standardErrorOf, top1Of } from '../../bench/accuracy/compare.ts';
import { must } from '../../src/core/must.ts';
import { quantizedAccuracy } from '../../src/interpret/accuracy.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { Network, noise } from '../quantize/networks.ts';

const answers = (...rows: number[][]) => {
  const logits = rows.map((row) => Float32Array.from(row));
  return { outputs: logits, logits };
};

describe('the comparison of bench:accuracy', () => {
  it('gives the divergence of the probabilities', () => {
    const float = answers([0, Math.log(3)], [5, 5]);
    expect(divergenceOf(float, float)).toBeCloseTo(0, 9);
    // Probabilities ¼ and ¾ against halves, in one of two samples; what all logits have in common is no matter.
    const expected = (Math.log(0.5) / 4 + (3 * Math.log(1.5)) / 4) / 2;
    expect(divergenceOf(float, answers([7, 7], [-3, -3]))).toBeCloseTo(expected, 6);
  });

  it('says how far chance moves a difference of two networks: by the samples that only one of them has right', () => {
    const [first, second] = [
      [1, 0],
      [0, 1],
    ];
    const data = {
      count: 4,
      describe: 'four',
      sampleSize: 0,
      labels: new Int32Array(4),
      batch: () => new Float32Array(),
    };
    const float = answers(first, first, first, second);
    expect(standardErrorOf(float, float, data)).toBe(0);
    // Two lost, one won: the difference of one sample has the variance 3 − 1/4.
    expect(standardErrorOf(float, answers(first, second, second, first), data)).toBeCloseTo(Math.sqrt(2.75) / 4, 9);
  });

  it('counts what the firmware answers, and reads the logits in front of a softmax', async () => {
    const n = new Network('classes', 8);
    const x = n.input([1, 4, 4, 3]);
    const graph = n.build(n.node({ kind: 'softmax', axis: 3 }, [n.globalMean(n.conv(x, 6, 3))]));
    const data = noise(graph, 32);
    const labelled = { ...data, labels: Int32Array.from({ length: 32 }, (_, i) => i % 6) };
    const quantized = await quantize(graph, data, { accBits: 12, lanes: 1 });
    const found = await quantizedAnswers(quantized.graph, labelled, 32);
    expect(top1Of(found, labelled)).toBe((await quantizedAccuracy(quantized.graph, labelled)).top1);
    const [outputs, logits] = [must(found.outputs[3], 'row'), must(found.logits[3], 'row')];
    expect(outputs.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 1);
    expect(logits.reduce((a, b) => a + b, 0)).not.toBeCloseTo(1, 1);
  });
});
