import { percent } from '../../src/core/format.ts';
import type { Result } from './measure.ts';
import type { Digits } from './trained.ts';

type Cells = readonly (string | number)[];

function table(head: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const points = (result: Result) => (100 * (result.floatTop1 - result.top1)).toFixed(2);
/** In thousandths of a nat. */
const divergence = (result: Result) => (1000 * result.divergence).toFixed(1);

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/** The widths of the layers' data, in the order of the layers: bits, or the number of steps with an s behind it. */
function widthsOf({ layers }: Result): string {
  return layers.map((l) => (l.dataSteps === undefined ? l.dataBits : `${l.dataSteps}s`)).join(' ');
}

/** Mean, over channels, of the widest sum's share of its window, in layers that would use more if they could. */
function utilization({ layers }: Result): string {
  const binding = layers.filter((l) => l.weightBits < FULL_WIDTH);
  if (binding.length === 0) return 'does not bind';
  return percent(binding.reduce((sum, l) => sum + l.utilization, 0) / binding.length, 1);
}

/** A layer whose channels need 8 bits on average has what it wants: its weights' width binds, not the accumulator. */
const FULL_WIDTH = 7.8;

export function targetsTable(results: readonly Result[]): string {
  const flushes = (r: Result) => Math.max(...r.layers.map((l) => l.segments)) - 1;
  return table(
    [
      'network',
      'accumulator',
      'images',
      'float',
      'quantized',
      'drop, points',
      'at most',
      'divergence, ‰',
      'flushes',
      'data bits (s: steps)',
      'use',
      'proven',
    ],
    results.map((r) => [
      r.row.network,
      r.row.what,
      r.row.images,
      percent(r.floatTop1),
      percent(r.top1),
      `${points(r)} ± ${(100 * r.standardError).toFixed(2)}`,
      r.row.target ?? '',
      divergence(r),
      flushes(r),
      widthsOf(r),
      utilization(r),
      r.layers.every((l) => l.proven) ? 'yes' : 'no',
    ]),
  );
}

/** A row a technique, a column a network and a width: points lost, and the divergence in brackets. */
export function ablationTable(results: readonly Result[]): string {
  const columns = unique(results.map(columnOf));
  const rows = unique(results.map((r) => r.row.what)).map((what) => [
    what,
    ...columns.map((column) => {
      const result = results.find((r) => r.row.what === what && columnOf(r) === column);
      return result === undefined ? '' : `${points(result)} (${divergence(result)})`;
    }),
  ]);
  return table(['drop in points (divergence, ‰)', ...columns], rows);
}

export const formatsTable = ablationTable;

export function trainedTable(digits: readonly Digits[]): string {
  const rows = digits.map(({ what, bits, right, samples }) => [what, `${bits} bits`, `${right} of ${samples}`]);
  return table(['digits network', 'one scalar accumulator, proven', 'right'], rows);
}

function columnOf({ row }: Result): string {
  return `${row.network}, ${row.options.accBits} bits`;
}
