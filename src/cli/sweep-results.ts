import { join } from 'node:path';
import Table from 'cli-table3';
import { grouped, percent } from '../core/format.ts';
import type { Part } from '../core/shard.ts';
import { writeFileSafely } from '../core/write-file.ts';
import { type CurvePoint, sweepPicture } from '../report/sweep-picture.ts';
import type { Accumulator, SweepPoint } from '../stages/sweep.ts';
import { plainTable, tableText } from './output.ts';

/** The 8-bit accumulators of NEON's registers are twice as many. */
const lanesOf = ({ lanes, bits }: Accumulator) => (lanes === 8 && bits === 8 ? 16 : lanes);

/** `sweep.json` and, of a whole sweep, what people look at. */
export function sweepFiles(out: string, whole: boolean): readonly string[] {
  return ['sweep.json', ...(whole ? ['sweep.csv', 'sweep.svg'] : [])].map((name) => join(out, name));
}

/** What `sweep.json` holds. */
export interface SweepResult extends Part {
  readonly model: string;
  readonly samples: number;
  readonly floatTop1: number;
  readonly points: readonly SweepPoint[];
}

/** @param files as `sweepFiles` names them */
export async function writeSweep([json, csv, svg]: readonly string[], result: SweepResult): Promise<void> {
  const { model, samples, floatTop1, points } = result;
  await writeFileSafely(json!, `${JSON.stringify(result, null, 2)}\n`);
  if (csv === undefined || svg === undefined) return;
  const picture = await sweepPicture({
    title: `${model}: accuracy against accumulator bits`,
    subtitle: `${grouped(samples)} images, post-training, ${points.some((p) => p.analysis === 'calibrated') ? 'calibrated sums are not proven, all others are' : 'no sum can overflow (proven)'}`,
    floatTop1,
    points: curvesOf(points),
  });
  await writeFileSafely(csv, csvOf(points));
  await writeFileSafely(svg, picture);
}

/** One curve for each kind of accumulator and each analysis, where there is more than one. */
function curvesOf(points: readonly SweepPoint[]): CurvePoint[] {
  const several = new Set(points.map((p) => p.analysis)).size > 1;
  const neon = points.some((p) => lanesOf(p) === 16) ? '8 NEON lanes (16 of 8 bits)' : '8 NEON lanes';
  return points.flatMap(({ bits, lanes, analysis, top1, drop }) => {
    const kind = lanes === 1 ? 'one scalar accumulator' : neon;
    const curve = several ? `${kind}, ${analysis}` : kind;
    return top1 === null || drop === null ? [] : [{ bits, top1, drop, curve }];
  });
}

const columns = [
  'bits',
  'lanes',
  'analysis',
  'top1',
  'drop',
  'dataBits',
  'weightBits',
  'utilization',
  'proven',
] as const;

function csvOf(points: readonly SweepPoint[]): string {
  const lines = points.map((p) => columns.map((column) => p[column]).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

export function sweepText({ samples, floatTop1, points }: SweepResult, files: readonly string[]): string {
  const table = new Table({
    ...plainTable,
    head: ['bits', 'lanes', 'ranges', 'top-1', 'drop', 'data bits', 'weight bits', 'full', ''],
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const p of points) {
    table.push([
      p.bits,
      lanesOf(p),
      p.analysis,
      ...(p.top1 === null || p.drop === null
        ? ['no weights fit', '', '', '', '', '']
        : [
            percent(p.top1),
            (p.drop * 100).toFixed(2),
            p.dataBits.toFixed(1),
            p.weightBits.toFixed(1),
            percent(p.utilization).replace(/\.\d+/, ''),
            p.proven ? 'proven' : 'NOT PROVEN',
          ]),
    ]);
  }
  const float = `float: ${percent(floatTop1)} of ${grouped(samples)} samples`;
  return [tableText(table), '', float, ...files.map((file) => `wrote ${file}`)].join('\n');
}
