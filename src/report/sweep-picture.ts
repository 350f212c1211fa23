import type { TopLevelSpec } from 'vega-lite';
import { svgOf } from './svg.ts';

/** One point of a curve. */
export interface CurvePoint {
  readonly bits: number;
  /** Which curve: `one scalar accumulator`, … */
  readonly curve: string;
  /** Fractions. */
  readonly top1: number;
  readonly drop: number;
}

export interface SweepPicture {
  readonly title: string;
  readonly subtitle: string;
  readonly floatTop1: number;
  readonly points: readonly CurvePoint[];
}

const width = 560;
/** Points below float that are drawn at the bottom of the lower panel: less is within the noise of 10,000 images. */
const leastDrop = 0.05;
const drops = [leastDrop, 0.1, 0.3, 1, 3, 10, 30, 100];

/**
 * Accuracy against accumulator bits as an SVG: above the accuracy itself, below what is lost against float on a
 * logarithmic scale, where tenths of a point are seen. The same points give the same bytes.
 */
export async function sweepPicture(picture: SweepPicture): Promise<string> {
  return `${await svgOf(specOf(picture))}\n`;
}

function specOf({ title, subtitle, floatTop1, points }: SweepPicture): TopLevelSpec {
  const values = points.map(({ bits, curve, top1, drop }) => ({
    bits,
    curve,
    accuracy: top1 * 100,
    lost: Math.max(leastDrop, drop * 100),
  }));
  const bits = points.map((p) => p.bits);
  const x = {
    field: 'bits',
    type: 'quantitative' as const,
    title: 'accumulator bits',
    axis: { values: [...new Set(bits)].sort((a, b) => a - b), format: 'd' },
    scale: { domain: [Math.min(...bits), Math.max(...bits)], nice: false, padding: 10 },
  };
  const curves = {
    field: 'curve',
    type: 'nominal',
    scale: { domain: [...new Set(points.map((p) => p.curve))] },
  } as const;
  // Once for both panels, under the lower one. Without a canvas the width of text is a rough guess: no limit on it.
  const legend = { orient: 'bottom', columns: 2, labelLimit: 0, title: null, offset: 8 } as const;
  const upper = { color: { ...curves, legend: null }, shape: { ...curves, legend: null } };
  const lower = { color: { ...curves, legend }, shape: { ...curves, legend } };
  const mark = { type: 'line', point: { filled: true, size: 45 } } as const;
  const float = { float: floatTop1 * 100, label: `float ${(floatTop1 * 100).toFixed(2)} %` };
  return {
    title: { text: title, subtitle, anchor: 'start' },
    background: 'white',
    vconcat: [
      {
        width,
        height: 240,
        layer: [
          {
            data: { values: [float] },
            mark: { type: 'rule', strokeDash: [5, 4], color: '#555' },
            encoding: { y: { field: 'float', type: 'quantitative' } },
          },
          {
            data: { values: [float] },
            mark: { type: 'text', align: 'right', baseline: 'bottom', dy: -3, color: '#555' },
            encoding: { x: { value: width }, y: { field: 'float', type: 'quantitative' }, text: { field: 'label' } },
          },
          {
            data: { values },
            mark,
            encoding: {
              x: { ...x, title: null },
              y: { field: 'accuracy', type: 'quantitative', title: 'top-1 (%)', scale: { domain: [0, 100] } },
              ...upper,
            },
          },
        ],
      },
      {
        width,
        height: 170,
        data: { values },
        mark,
        encoding: {
          x,
          y: {
            field: 'lost',
            type: 'quantitative',
            title: 'points below float',
            scale: { type: 'log', domain: [leastDrop, 100], nice: false },
            axis: { values: drops, labelExpr: `(datum.value > ${leastDrop} ? '' : '≤ ') + datum.label`, format: '~g' },
          },
          ...lower,
        },
      },
    ],
    resolve: { legend: { color: 'independent', shape: 'independent' } },
  };
}
