import { networks } from './index.ts';

/** What building one network at full size gave. */
export interface Row {
  readonly name: string;
  readonly source: string;
  readonly parameters: number;
  /** Multiply-accumulates. */
  readonly macs: number;
  readonly weightBytes: number;
  readonly arenaBytes: number;
  /** Compared under QEMU. */
  readonly vectors: number;
  readonly verdict: string;
  /** Processor time of everything: quantizing, compiling, emulating. */
  readonly seconds: number;
}

const millions = (count: number): string => (count / 1e6).toPrecision(3);
const kilobytes = (bytes: number): string => Math.round(bytes / 1024).toLocaleString('en-US');

function lineOf(row: Row): string {
  const sizes = [millions(row.parameters), millions(row.macs), kilobytes(row.weightBytes), kilobytes(row.arenaBytes)];
  const checked = [row.vectors.toLocaleString('en-US'), row.verdict, Math.round(row.seconds)];
  return `| ${[row.name, row.source, ...sizes, ...checked].join(' | ')} |`;
}

/** The page with the network's line in its place: the order is that of the table of networks. */
export function withRow(page: string, row: Row): string {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|---')) + 1;
  const after = lines.findIndex((line, i) => i >= first && !line.startsWith('|'));
  const order = networks.map(({ name }) => name);
  const nameOf = (line: string): string => line.split(' | ')[0]!.replace(/^\| /, '');
  const kept = lines.slice(first, after).filter((line) => nameOf(line) !== row.name);
  const rows = [...kept, lineOf(row)].sort((a, b) => order.indexOf(nameOf(a)) - order.indexOf(nameOf(b)));
  return [...lines.slice(0, first), ...rows, ...lines.slice(after)].join('\n');
}
