import { beforeAll, describe, expect, test } from 'vitest';
import { networks } from '../../bench/networks/index.ts';
import { type Toolchain, verifyToolchains } from '../../src/build/toolchains.ts';
import { silentProgress } from '../../src/core/progress.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { parseTechniques } from '../../src/quantize/techniques.ts';
import { compileBundle, samplesOf } from '../../src/stages/compile-bundle.ts';
import { verifyCompiled } from '../../src/stages/verify-compiled.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { expectFaithful } from '../onnx/model-helper.ts';
import { noise } from '../quantize/networks.ts';

/** The networks that engineers deploy, small: imported as ONNX Runtime computes them, quantized, compiled and verified. */

let cross: Toolchain;
beforeAll(async () => {
  const gcc = (await verifyToolchains(armv8a))[0]!;
  cross = { ...gcc, runners: gcc.runners.slice(0, 1) };
});

describe.each(networks)('$name', ({ build, small }) => {
  test('is imported, quantized, compiled and verified', async () => {
    const { optimized } = await expectFaithful(encodeModel(build(small)));
    const data = noise(optimized, 2);
    const { graph, layers } = await quantize(optimized, data, { samples: 2, techniques: parseTechniques('bias') });
    expect(layers.every((layer) => layer.proven)).toBe(true);
    const samples = samplesOf(graph, data, 1);
    const request = { graph, target: armv8a, recipe: {}, samples, modelHash: '0'.repeat(64), options: {} };
    const options = { samples, budget: 2e7, toolchains: [cross], progress: silentProgress };
    const result = await verifyCompiled(compileBundle(request), { graph, target: armv8a }, options);
    expect(result).toMatchObject({ verified: true, mismatches: 0 });
    expect(result.vectors).toBeGreaterThan(graph.nodes.length);
  });
});
