import type { QuantizeOptions } from '../../src/quantize/options.ts';
import { defaultTechniques, parseTechniques, techniques } from '../../src/quantize/techniques.ts';
import type { NetworkName } from './networks.ts';

/** One quantization to measure. */
export interface Row {
  readonly network: NetworkName;
  readonly what: string;
  readonly options: Partial<QuantizeOptions>;
  /** Evaluation samples, from the first on. */
  readonly images: number;
  /** The largest drop that was asked for, in points. */
  readonly target?: number;
}

const scalar = (bits: number) => ({ lanes: 1, accBits: bits }) as const;
const wide = (name: string) => new Map([[name, { accBits: 16 }]]);

function allCnn(what: string, options: Partial<QuantizeOptions>, target?: number): Row {
  return { network: 'All-CNN-C', what, options, images: 10_000, ...(target !== undefined && { target }) };
}

function resnet(what: string, options: Partial<QuantizeOptions>, target: number): Row {
  return { network: 'ResNet-8', what, options, images: 4000, target };
}

/** What the project set out to reach; and what is lost without fitting. */
export const targets: readonly Row[] = [
  allCnn('16 bits, NEON lanes, no flush', { lanes: 8, accBits: 16, segments: 1 }, 0.1),
  allCnn('16 bits, NEON lanes, no flush, weights rounded', {
    ...{ lanes: 8, accBits: 16, segments: 1 },
    techniques: parseTechniques('bias'),
  }),
  allCnn('16 bits, one scalar accumulator', scalar(16), 0.1),
  allCnn('14 bits, one scalar accumulator', scalar(14), 0.2),
  allCnn('12 bits, one scalar accumulator', scalar(12), 0.3),
  allCnn('11 bits, one scalar accumulator', scalar(11), 0.7),
  allCnn('10 bits, one scalar accumulator', scalar(10), 2),
  allCnn(
    '8 bits in 16 NEON lanes, one flush; first layer 16 bits',
    { lanes: 8, accBits: 8, segments: 2, layers: wide('/0/Conv') },
    0.3,
  ),
  resnet('16 bits, NEON lanes, at most one flush', { lanes: 8, accBits: 16 }, 0.1),
  resnet('16 bits, one scalar accumulator', scalar(16), 0.6),
  resnet('14 bits, one scalar accumulator', scalar(14), 3),
  resnet('12 bits, one scalar accumulator', scalar(12), 15),
];

const widths = [16, 14, 12, 10] as const;

const byDefault = { techniques: defaultTechniques };

/** Each technique left out of the default ones, or added to them; and none at all. */
const variants: readonly (readonly [string, Partial<QuantizeOptions>])[] = [
  ['default', byDefault],
  ...techniques.map((t): readonly [string, Partial<QuantizeOptions>] => {
    const change = defaultTechniques.has(t) ? `-${t}` : t;
    return [
      `${defaultTechniques.has(t) ? 'without' : 'with'} ${t}`,
      { techniques: parseTechniques(`default,${change}`) },
    ];
  }),
  ['clipping minmax', { ...byDefault, clipping: 'minmax' }],
  ['rounding and bias only', { techniques: parseTechniques('bias') }],
  ['rounding only', { techniques: parseTechniques('none') }],
];

/**
 * What AXE on GPTQ does (Colbert et al. 2024), of our own making: error feedback behind its soft threshold and under its clamp, and corrected
 * biases; for one width of data in all layers.
 */
export const asAxe = parseTechniques('feedback,bias');

/** The best width of data where all layers have one, by the accumulator's. */
const oneWidth = {
  'ResNet-8': { 16: 6, 14: 5, 12: 4, 10: 3 },
  'All-CNN-C': { 16: 5, 14: 4, 12: 3, 10: 2 },
} as const;

/** What one width for all would harm most: few products of data that are worth many bits. It gets half the accumulator's. */
const firstLayer = { 'ResNet-8': 'conv2d', 'All-CNN-C': '/0/Conv' } as const;

export const ablation: readonly Row[] = (['ResNet-8', 'All-CNN-C'] as const).flatMap((network) =>
  widths.flatMap((width) => {
    const bits = oneWidth[network][width];
    const rows: typeof variants = [
      ...variants,
      ['one data width', { ...byDefault, bits }],
      ['as AXE', { bits, techniques: asAxe, layers: new Map([[firstLayer[network], { bits: width / 2 }]]) }],
    ];
    return rows.map(([what, options]) => ({
      network,
      what,
      images: 2000,
      options: { ...scalar(width), ...options },
    }));
  }),
);

export const formats: readonly Row[] = (['ResNet-8', 'All-CNN-C'] as const).flatMap((network) =>
  ([16, 12] as const).flatMap((bits) =>
    (['fixed', 'float32', 'shift'] as const).map((requant) => ({
      network,
      what: requant,
      options: { ...scalar(bits), ...byDefault, requant },
      images: 2000,
    })),
  ),
);
