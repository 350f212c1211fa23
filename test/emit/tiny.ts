import type { BundleOptions } from '../../src/emit/types.ts';
import { selectKernels } from '../../src/kernels/select.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { QuantizedGraphBuilder, quant } from '../helpers/quantized-graph.ts';

/** A network of one image in and three probabilities out, which shows most of what a bundle has. */
export function tinyBundle(name = 'tiny'): BundleOptions {
  const b = new QuantizedGraphBuilder(name);
  const relu6 = { kind: 'unary', fn: { name: 'clip', lo: 0, hi: 6 } } as const;
  const x = b.input([1, 6, 6, 3], quant(1 / 128, 0));
  const pool = { kind: 'maxPool', kernel: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], dilations: [1, 1] } as const;
  const pooled = b.node(pool, [x], quant(1 / 128, 0));
  const clipped = b.node(relu6, [pooled], quant(1 / 64, -128));
  const moved = b.node({ kind: 'unary', fn: { name: 'hardSwish' } }, [pooled], quant(1 / 64, -128));
  const both = b.node({ kind: 'concat', axis: 3 }, [clipped, moved], quant(1 / 64, -128));
  const sum = b.node({ kind: 'add' }, [both, both], quant(1 / 32, -128));
  const mean = { kind: 'averagePool', kernel: [3, 3], strides: [1, 1], pads: [0, 0, 0, 0] } as const;
  const averaged = b.node({ ...mean, countIncludePad: false, ceilExtra: [0, 0] }, [sum], quant(1 / 32, -128));
  b.output(b.node({ kind: 'softmax', axis: 3 }, [averaged], quant(1 / 256, -128)));
  const graph = b.build();
  const real = Float32Array.from({ length: 3 * 256 }, (_, i) => ((i % 256) / 255 - 0.5) / (1 + Math.floor(i / 256)));
  return {
    graph,
    plan: planMemory(graph, selectKernels(graph, armv8a)),
    target: armv8a,
    pixels: { table: real, formula: 'real = (pixel * 0.00392157 - 0.5) / (1, 2, 3)' },
    labels: ['cat', 'dog "Rex"', 'café', 'bird', 'fish', 'none'],
    modelHash: '0123456789abcdef',
    toolVersion: '0.0.0',
    options: { accBits: 16, mode: 'proven' },
  };
}
