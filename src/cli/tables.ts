import Table from 'cli-table3';
import { grouped, percent } from '../core/format.ts';
import type { Accuracy } from '../interpret/accuracy.ts';
import type { Agreement } from '../interpret/agreement.ts';
import type { LayerReport } from '../quantize/report.ts';
import type { LayerSolutions } from '../quantize/search/solution-space.ts';
import { labelOf } from '../quantize/winograd/decide.ts';
import type { IntegerAccuracy } from '../stages/integer-accuracy.ts';
import type { VerifyResult } from '../verify/result.ts';
import type { LayerInC } from './bundle-options.ts';
import { plainTable, tableText } from './output.ts';

/**
 * One line a layer with weights: what was chosen and what is proven.
 * @param inC how a bundle computes each layer; its sums are named where they are not the ones that were asked for
 */
export function layerTable(layers: readonly LayerReport[], inC?: ReadonlyMap<string, LayerInC>): string {
  const table = new Table({
    ...plainTable,
    head: ['layer', 'data', 'weights', 'sums', 'segments', 'full', 'scalar', 'SQNR', '', ...(inC ? ['kernel'] : [])],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'left', 'left'],
  });
  for (const l of layers) {
    table.push([
      l.name,
      l.dataSteps === undefined ? `${l.dataBits} bit` : `${l.dataSteps} steps`,
      `${l.weightBits} bit`,
      `${l.lanes}×${l.accBits} bit`,
      l.segments,
      percent(l.utilization).replace(/\.\d+/, ''),
      `${l.scalarBits} bit`,
      l.sqnr === undefined ? '' : `${l.sqnr} dB`,
      l.proven ? 'proven' : 'NOT PROVEN',
      ...(inC ? [kernelText(l, inC.get(l.name))] : []),
    ]);
  }
  const decided = layers.flatMap(({ name, winograd }) =>
    winograd === undefined ? [] : [`${name}: ${formText(winograd.form)}: ${winograd.reason}`],
  );
  return [tableText(table), ...decided].join('\n');
}

/** `first-layer`, or `first-layer: 1×16 bit` where it sums in other accumulators, or flushes them at other times. */
function kernelText({ accBits, lanes, segments }: LayerReport, layer: LayerInC | undefined): string {
  const { kernel = '', sums } = layer ?? {};
  if (sums === undefined) return kernel;
  const isAsked = sums.accumulatorBits === accBits && sums.lanes === lanes && sums.segments.length === segments;
  if (isAsked) return kernel;
  const flushes = sums.segments.length === 1 ? '' : `, ${sums.segments.length} segments`;
  return `${kernel}: ${sums.lanes}×${sums.accumulatorBits} bit${flushes}`;
}

function formText(form: NonNullable<LayerReport['winograd']>['form']): string {
  return form === 'direct' ? 'direct' : labelOf(form);
}

const diffusionTexts = {
  pixels: 'errors of data diffused',
  channels: 'errors of data diffused, to other channels, too',
} as const;

/** What `quantize --report` adds: each layer's budget and the reason for its widths. */
export function reasonTable(layers: readonly LayerReport[]): string {
  const table = new Table({ ...plainTable, head: ['layer', 'budget', 'why'], colAligns: ['left', 'right', 'left'] });
  for (const { name, budget, why, diffused, pixelSum } of layers) {
    const limit = pixelSum && `at most ${grouped(pixelSum)} steps a pixel, so more fits`;
    const reasons = [why, diffused && diffusionTexts[diffused], limit].filter(Boolean).join('; ');
    table.push([name, `Σ|w| ≤ ${grouped(budget)}`, reasons]);
  }
  return tableText(table);
}

export function verificationText(v: VerifyResult): string {
  const runs = v.runs.map(
    (r) => `  ${r.ok ? '✓' : '✗'} ${r.compiler} ${r.opt} ${r.cpu}${r.sanitized ? ' (ASan, UBSan)' : ''}`,
  );
  const first =
    v.firstMismatch === undefined ? [] : [`  first: ${v.firstMismatch.line}`, `  in ${v.firstMismatch.what}`];
  const scope = `${grouped(v.vectors)} vectors, ${grouped(v.bytes)} bytes a run`;
  const verdict = v.verified ? 'verified, 0 mismatches' : `NOT VERIFIED, ${grouped(v.mismatches)} mismatches`;
  return [...runs, ...first, `${verdict} (${scope})`].join('\n');
}

/** How far a quantized network is from ONNX Runtime. */
export function agreementText({ samples, values, differing, maxSteps }: Agreement): string {
  const scope = `${grouped(values)} output values of ${grouped(samples)} samples`;
  if (differing === 0) return `agreement with ONNX Runtime: 0 steps, all ${scope} are equal`;
  const steps = `at most ${maxSteps} ${maxSteps === 1 ? 'step' : 'steps'}`;
  return `agreement with ONNX Runtime: ${steps}, ${grouped(differing)} of ${scope} differ (${percent(differing / values)})`;
}

/** Which single accumulator would do for all layers without lanes or flushes. */
export function scalarText(layers: readonly LayerReport[]): string {
  const bits = scalarBitsOf(layers);
  const wider = usualWidths.filter((width) => width > bits);
  const so = wider.length === 0 ? '' : `, and so does one of ${wider.join(', ')}`;
  return `Proven: one scalar accumulator of ${bits} bits holds every sum of every layer${so}.`;
}

const usualWidths = [8, 12, 16, 24, 32];

export function scalarBitsOf(layers: readonly LayerReport[]): number {
  return layers.reduce((bits, layer) => Math.max(bits, layer.scalarBits), 0);
}

/** Top-1 accuracies: of a float network and what became of it, or of a quantized file as ONNX Runtime and as the C computes it. */
export function accuracyText(accuracy: {
  float?: Accuracy;
  onnxRuntime?: Accuracy;
  quantized?: IntegerAccuracy;
}): string {
  const { float, onnxRuntime, quantized } = accuracy;
  const named = Object.entries({ float, 'in ONNX Runtime': onnxRuntime, quantized });
  const lines = named.flatMap(([what, a]) =>
    a === undefined
      ? []
      : `top-1 ${what}: ${percent(a.top1)} (${grouped(a.correct)} of ${grouped(a.samples)}, ${Math.round(a.imagesPerSecond)} a second)`,
  );
  if (quantized?.overflowed !== undefined) {
    lines.push(
      `sums left accumulators that are not proven on ${grouped(quantized.overflowed)} of them, counted as wrong`,
    );
  }
  if (float && quantized) lines.push(`drop: ${((float.top1 - quantized.top1) * 100).toFixed(2)} points`);
  return lines.join('\n');
}

/** One line a layer: the pairs of widths that fully use its accumulator. */
export function solutionTable(layers: readonly LayerSolutions[]): string {
  const table = new Table({
    ...plainTable,
    head: ['layer', 'products', 'data × weight bits'],
    colAligns: ['left', 'right', 'left'],
  });
  for (const { name, products, widths } of layers) {
    const pairs = widths.map(({ dataBits, weightBits }) => `${dataBits}×${weightBits}`);
    table.push([name, grouped(products), pairs.length === 0 ? 'none' : pairs.join('  ')]);
  }
  return tableText(table);
}
