import { must } from '../../core/must.ts';
import { outputOf, tensorOf } from '../../graph/build.ts';
import { singleNodeGraph } from '../../graph/part.ts';
import type { Graph, Node, NodeId } from '../../graph/types.ts';
import { quantizeValue } from '../../ops/quantized.ts';
import type { Technique } from '../techniques.ts';
import { MOST_PRODUCTS, productShare, relativeNoise } from '../winograd/decide.ts';
import { withWinograd } from '../winograd/network.ts';
import { type WinogradName, winogradForms, winogradMisfit } from '../winograd/plan.ts';
import type { Candidate } from './front.ts';
import type { SampledActivations } from './output-error.ts';
import type { CandidateRequest } from './request.ts';
import { type NamedSettings, winogradSettings } from './settings.ts';

/**
 * A layer in each of its Winograd forms that read data of so many bits, fitted to the float network's activations as the direct
 * candidates are; its error is measured, its cost predicted.
 * @param direct the quantized layer, in a graph of its own
 */
export async function winogradCandidates(
  node: Node,
  direct: Graph,
  bits: number,
  { graph, statistics, options, instructionsOf, sensitivities }: CandidateRequest,
): Promise<Candidate<NamedSettings>[]> {
  if (winogradMisfit(graph, node, options) !== undefined) return [];
  const { sampled } = statistics;
  const [x, y] = [must(node.inputs[0], 'x'), outputOf(graph, node).id];
  const read = must(sampled.values.get(x), `values of ${x}`);
  const quant = must(tensorOf(direct, x).quant, `quantization of ${x}`);
  const inputs = new Map([[x, Int8Array.from(read, (v) => quantizeValue(v, quant))]]);
  const given = {
    float: singleNodeGraph(graph, node),
    quantized: direct,
    count: sampled.count,
    inputs,
    means: new Map([[x, meanSample(read, sampled)]]),
    // Rounded, as the direct candidates are.
    techniques: new Set<Technique>(options.techniques.has('bias') ? ['bias'] : []),
    wanted: { count: sampled.count, values: new Map([[y, must(sampled.values.get(y), `values of ${y}`)]]) },
  };
  const found: Candidate<NamedSettings>[] = [];
  for (const override of winogradSettings(bits)) {
    const name = override.winograd as WinogradName;
    if (productShare(graph, node, winogradForms[name]) > MOST_PRODUCTS) continue;
    const plan = new Map<NodeId, WinogradName>([[node.id, name]]);
    const segments = new Map([[node.id, override.segments as number]]);
    const transformed = await withWinograd({ ...given, plan, segments });
    if (transformed.decisions.get(node.id)?.form !== name) continue;
    const noise = await relativeNoise(transformed.graph, node.id, given.wanted, inputs);
    found.push({
      settings: { name: node.origin.name, override: { ...override, bits } },
      error: noise * must(sensitivities.get(node.id), node.id),
      instructions: instructionsOf(transformed.graph),
    });
  }
  return found;
}

/** The mean of each element over the samples. */
function meanSample(values: Float32Array, { count }: SampledActivations): Float64Array {
  const mean = new Float64Array(values.length / count);
  values.forEach((v, i) => {
    mean[i % mean.length]! += v / count;
  });
  return mean;
}
