import { must } from '../core/must.ts';
import { inputsOf, outputOf } from '../graph/build.ts';
import type { Graph, Tensor } from '../graph/types.ts';
import type { Products } from '../interpret/products.ts';
import { windowBudget } from './accumulator.ts';
import { integerLayerOf, type ReductionNode } from './certify.ts';
import { solveUpper, upperFactor } from './cholesky.ts';
import { type Moments, momentsOf } from './moments.ts';
import { patchSource } from './patches.ts';
import { bestScale, type ChannelProblem, descend, outputError, reachOf, roundWithFeedback } from './round-feedback.ts';
import { accumulatorOfProduct } from './segments.ts';

export interface RefineInput {
  readonly weights: Float32Array;
  readonly values: Int8Array;
  readonly float?: Float32Array;
  readonly samples: number;
  readonly centred: boolean;
  readonly limit: number;
  readonly leastScale: ArrayLike<number>;
}
const X = JSON.parse(process.env['QX'] ?? '{}');

export async function refineLayer(
  graph: Graph,
  node: ReductionNode,
  input: RefineInput,
  products: Products,
): Promise<{ data: Int8Array; scale: number[]; noise: number }> {
  const layer = integerLayerOf(graph, node);
  const [x, w] = inputsOf(graph, node) as [Tensor, Tensor];
  const source = patchSource(
    node,
    { x: x.shape, w: w.shape, y: outputOf(graph, node).shape },
    input.samples,
    X.positions ?? 8192,
  );
  const { length } = source;
  const channels = layer.reduction.channels;
  const perGroup = channels / source.groups;
  const q = must(x.quant, 'q');
  const data = new Int8Array(input.weights.length);
  const scale: number[] = [];
  let noise = 0,
    before = 0;
  for (let g = 0; g < source.groups; g++) {
    const t0 = Date.now();
    const weights = input.weights.subarray(g * perGroup * length, (g + 1) * perGroup * length);
    const m = await momentsOf(
      {
        source,
        values: input.values,
        zeroPoint: q.zeroPoint,
        largest: Math.max(q.qmax - q.zeroPoint, q.zeroPoint - q.qmin),
        step: q.scale[0]!,
        ...(input.float && { float: input.float }),
        weights,
        centred: input.centred,
      },
      g,
      products,
    );
    addRidge(m, weights, X.ridge ?? 0.01);
    const t1 = Date.now();
    let factor: Float64Array | undefined;
    const gptq = X.start === 'gptq';
    let v: Float64Array | undefined;
    if (gptq) {
      v = upperFactor(m.hessian, length, 1e-9);
      factor = transpose(v, length);
    }
    const t2 = Date.now();
    const accumulators = accumulatorOfProduct(layer.integer.accumulator, length);
    for (let c = 0; c < perGroup; c++) {
      const o = g * perGroup + c;
      const problem: ChannelProblem = {
        moments: m,
        wanted: m.wanted.subarray(c * length, (c + 1) * length),
        power: m.power[c]!,
        accumulators,
        budget: windowBudget(layer.integer.accumulator.bits, { lo: q.qmin, hi: q.qmax }),
        limit: input.limit,
      };
      const old = layer.weights.data.subarray(o * length, (o + 1) * length);
      const s0 = layer.weights.quant.scale[o]!;
      const best = fitChannel(problem, old, s0, input.leastScale[o]!, v, factor);
      data.set(best.q, o * length);
      scale.push(best.scale);
      noise += best.error / Math.max(1e-30, m.power[c]!) / channels;
      before += outputError(problem, old, s0, reachOf(problem, old)) / Math.max(1e-30, m.power[c]!) / channels;
    }
    if (process.env['QV'])
      console.error(node.id, length, channels, 'moments', t1 - t0, 'factor', t2 - t1, 'fit', Date.now() - t2);
  }
  if (process.env['QV'])
    console.error(
      node.id,
      'bits',
      Math.log2(q.qmax - q.qmin + 1),
      'before',
      (-10 * Math.log10(before)).toFixed(2),
      'after',
      (-10 * Math.log10(noise)).toFixed(2),
    );
  return { data, scale, noise };
}

function addRidge(m: Moments, weights: Float32Array, share: number): void {
  const { hessian, wanted, power, length } = m;
  let mean = 0;
  for (let k = 0; k < length; k++) mean += hessian[k * length + k]! / length;
  const ridge = mean * share;
  for (let k = 0; k < length; k++) hessian[k * length + k]! += ridge;
  for (let i = 0; i < wanted.length; i++) {
    wanted[i]! += ridge * weights[i]!;
    power[Math.floor(i / length)]! += ridge * weights[i]! ** 2;
  }
}

function transpose(v: Float64Array, n: number): Float64Array {
  const t = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let k = i; k < n; k++) t[k * n + i] = v[i * n + k]!;
  return t;
}

function fitChannel(
  problem: ChannelProblem,
  old: Int8Array,
  s0: number,
  least: number,
  v?: Float64Array,
  factor?: Float64Array,
) {
  let best = { q: old, scale: s0, error: outputError(problem, old, s0, reachOf(problem, old)) };
  const consider = (q: Int8Array, reach: Float64Array, scale: number) => {
    const error = outputError(problem, q, scale, reach);
    if (error < best.error) best = { q: q.slice(), scale, error };
  };
  const polish = (q: Int8Array, reach: Float64Array, scale: number) => {
    for (let i = 0; i < (X.refits ?? 3); i++) {
      scale = Math.max(least, Math.fround(bestScale(problem, q, reach) ?? scale));
      consider(q, reach, scale);
      if (X.cd === 0) return;
      descend(problem, q, reach, scale, 0, 4);
    }
    scale = Math.max(least, Math.fround(bestScale(problem, q, reach) ?? scale));
    consider(q, reach, scale);
  };
  for (const f of X.scales ?? [1, 0.8, 0.65, 0.5]) {
    const scale = Math.max(least, Math.fround(s0 * f));
    if (v) {
      const target = solveUpper(v, old.length, Float64Array.from(problem.wanted));
      const q = roundWithFeedback(problem, target, factor!, scale, {
        threshold: (X.threshold ?? 0) * scale,
        wholeError: X.whole ?? true,
      });
      polish(q, reachOf(problem, q), scale);
    } else if (X.start === 'old') {
      const q = old.slice();
      polish(q, reachOf(problem, q), scale);
    } else {
      const q = new Int8Array(old.length);
      const reach = new Float64Array(old.length);
      let price = problem.wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0) / scale;
      const floor = price * 1e-3;
      for (; price > floor; price *= X.decay ?? 0.7) {
        descend(problem, q, reach, scale, price, 2);
      }
      descend(problem, q, reach, scale, 0, 8);
      polish(q, reach, scale);
    }
  }
  return best;
}
