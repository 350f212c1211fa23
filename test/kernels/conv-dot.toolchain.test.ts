import { describe, expect, it } from 'vitest';
import { kernelsFor } from '../../src/kernels/select.ts';
import { isReductionNode } from '../../src/proof/certify.ts';
import { armv82Dotprod } from '../../src/targets/armv8.2-dotprod.ts';
import { armv86I8mm } from '../../src/targets/armv8.6-i8mm.ts';
import { portable } from '../../src/targets/portable.ts';
import { adversaryOf } from '../../src/verify/adversarial.ts';
import { type Case, runCases, type TestToolchain } from '../helpers/compile-and-run.ts';
import { quant } from '../helpers/quantized-graph.ts';
import { type ConvCase, convGraph, denseGraph, nibbles } from '../helpers/reductions.ts';

const same = { kernel: [3, 3], pads: [1, 1, 1, 1] } as const;
const tile = { height: 4, width: 4, channels: 16, outputs: 16, ...same } as const;

/** Of full-width weights, where nothing else is said: −128 and 127 by −127 and 127. */
const convolutions: Readonly<Record<string, ConvCase>> = {
  smallest: { height: 1, width: 2, channels: 2, outputs: 1 },
  tile_less_one: { ...tile, height: 3, width: 3, channels: 15, outputs: 15 },
  tile,
  tile_more_one: { ...tile, height: 5, width: 5, channels: 17, outputs: 17 },
  twice: { ...tile, height: 8, width: 8, channels: 64, outputs: 32 },
  first_layer: { ...tile, height: 9, width: 11, channels: 3, outputs: 10 },
  pointwise: { ...tile, height: 6, width: 6, channels: 24, outputs: 12, kernel: [1, 1], pads: [0, 0, 0, 0] },
  strided: { ...tile, height: 9, width: 9, strides: [2, 2], pads: [0, 0, 1, 1] },
  dilated: { ...tile, height: 9, width: 9, channels: 8, dilations: [2, 2], pads: [2, 2, 2, 2] },
  column: { ...tile, height: 20, width: 1, channels: 10, outputs: 6, kernel: [5, 1], pads: [2, 0, 2, 0] },
  grouped: { ...tile, height: 5, width: 5, channels: 24, outputs: 9, groups: 3 },
  clamped: { ...tile, clamp: { lo: 0, hi: 6 } },
  zero_point: { ...tile, x: quant(0.05, 13) },
  shift: { ...tile, x: quant(2 ** -4, 0), outputs: 6, requant: 'shift' },
  float32: { ...tile, outputs: 6, requant: 'float32' },
  real_bias: { ...tile, outputs: 6, requant: 'float32', realBias: true },
  fixed16: { ...tile, channels: 3, largest: 60, bias: 200, inRows: true, requant: 'fixed16' },
  // Quantized for accumulators of 16 and of 8 bits: the same bytes.
  narrow: { ...tile, largest: 7 },
  narrowest: { ...tile, x: nibbles, largest: 1, inBytes: true },
};

const layers: readonly Case[] = [
  ...Object.entries(convolutions).map(([name, c]) => ({ name, graph: convGraph(name, c) })),
  { name: 'dense', graph: denseGraph('dense', 1, 100, 10) },
  { name: 'dense_rows', graph: denseGraph('dense_rows', 5, 33, 19) },
];

function casesOf(kernel: string): Case[] {
  return layers.flatMap(({ name, graph }) => {
    const node = graph.nodes.find(isReductionNode)!;
    const [chosen] = kernelsFor(node, graph, armv86I8mm).filter((k) => k.name === kernel);
    if (chosen === undefined) return [];
    const selections = new Map([[node.id, chosen]]);
    const random = { name, graph, selections };
    if (!['tile_more_one', 'zero_point', 'dense_rows'].includes(name)) return [random];
    return [random, { ...random, name: `${name}_extreme`, inputs: [adversaryOf(graph, node, 1).input(0).values] }];
  });
}

const newer: readonly (TestToolchain & { readonly kernel: string })[] = [
  { name: 'gcc', kind: 'gcc', target: armv82Dotprod, optimization: '-O2', kernel: 'conv-dotprod' },
  { name: 'clang', kind: 'clang', target: armv82Dotprod, optimization: '-O3', kernel: 'conv-dotprod' },
  { name: 'gcc', kind: 'gcc', target: armv86I8mm, optimization: '-O2', kernel: 'conv-i8mm' },
  { name: 'clang', kind: 'clang', target: armv86I8mm, optimization: '-O3', kernel: 'conv-i8mm' },
  { name: 'host', kind: 'gcc', target: portable, optimization: '-O1', kernel: 'conv-dotprod' },
  { name: 'host', kind: 'gcc', target: portable, optimization: '-O1', kernel: 'conv-i8mm' },
];

describe.each(newer)('$kernel, $name', ({ kernel, ...toolchain }) => {
  it('gives the bytes of the reference', async () => {
    const cases = casesOf(kernel);
    // One product of 2×8 by 8×2 needs two pixels.
    expect(cases.some(({ name }) => name === 'dense')).toBe(kernel === 'conv-dotprod');
    expect(cases.length).toBeGreaterThan(20);
    expect(await runCases(cases, toolchain, armv86I8mm)).toBe('');
  });
});
