import { type BenchResult, bestRun } from '../bench/bench.ts';
import { grouped, percent } from '../core/format.ts';
import type { Manifest } from '../emit/manifest.ts';

type Layer = Manifest['layers'][number];
type Tensor = Layer['output'];

/** The rows of the table of layers. */
export function layerViews({ layers }: Manifest, bench: BenchResult | undefined) {
  const total = layers.reduce((sum, layer) => sum + (layer.sums?.macs ?? 0), 0);
  const counted = bench === undefined ? [] : bestRun(bench).layers;
  return layers.map((layer) => {
    const { step, name, operator, kernel, inputs, output, sums } = layer;
    const count = counted.find((c) => c.step === step);
    return {
      step,
      name,
      operator,
      kernel,
      function: layer.function,
      shape: `${inputs.map(shapeText).join(' + ')} → ${shapeText(output)}`,
      data: inputs.map(widthText).join(', '),
      weights: sums === undefined ? '' : `${sums.weightBits} bits`,
      sums: sums === undefined ? '' : sumsText(sums),
      range: sums?.worst === undefined ? '' : `${grouped(sums.worst.lo)} to ${grouped(sums.worst.hi)}`,
      use: sums?.utilization === undefined ? '' : percent(sums.utilization, 1),
      mode: sums?.worst === undefined ? '' : sums.mode,
      isMeasured: sums?.worst !== undefined && sums.mode !== 'proven',
      macs: sums === undefined ? '' : grouped(sums.macs),
      share: sums === undefined || total === 0 ? '' : percent(sums.macs / total, 1),
      instructions: count === undefined ? '' : grouped(count.instructions),
      perMac: count?.instructionsPerMac === undefined ? '' : count.instructionsPerMac.toFixed(3),
    };
  });
}

function sumsText({ lanes, accumulatorBits, segments }: NonNullable<Layer['sums']>): string {
  const flushes = segments.length === 1 ? '' : `, ${segments.length} segments`;
  return `${lanes}×${accumulatorBits} bits${flushes}`;
}

/** Without the batch of 1. */
function shapeText({ shape }: Tensor): string {
  return shape.length < 2 ? shape.join('×') || 'scalar' : shape.slice(1).join('×');
}

function widthText({ bits, steps }: Tensor): string {
  return steps === undefined ? `${bits} bits` : `${steps} steps`;
}
