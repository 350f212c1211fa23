import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { networks } from '../../bench/networks/index.ts';
import { qlinearOperators } from '../../src/onnx/qlinear.ts';
import { type OperatorSupport, supportOf } from '../../src/onnx/support.ts';
import list from './onnx-operators.json' with { type: 'json' };

/** `docs/operators.md`: what happens to every operator of ONNX, and which tests try it. */

const root = join(import.meta.dirname, '../..');

export interface Row {
  readonly name: string;
  readonly domain: string;
  readonly note: string;
  readonly support: OperatorSupport;
  /** Test files that have a case of it. */
  readonly tests: readonly string[];
  readonly networks: readonly string[];
}

const quantizers = ['QuantizeLinear', 'DequantizeLinear'];

/** Integer operators of ONNX Runtime's quantizer in QOperator form, besides those that are read. */
const otherInteger = [
  'QLinearReduceMean',
  'QLinearWhere',
  'QAttention',
  'QEmbedLayerNormalization',
  'DynamicQuantizeMatMul',
];

export function standardRows(): Row[] {
  return list.operators.map(({ name, since, ...rest }) => {
    const deprecated = 'deprecated' in rest;
    return rowOf(name, '', deprecated ? `${since}, deprecated` : String(since));
  });
}

export function otherRows(): Row[] {
  const microsoft = [...quantizers, ...qlinearOperators, ...otherInteger].sort();
  const qonnx = ['BipolarQuant', 'IntQuant', 'Quant', 'Trunc'];
  return [
    ...microsoft.map((name) => rowOf(name, 'com.microsoft', 'com.microsoft')),
    ...qonnx.map((name) => rowOf(name, 'qonnx.custom_op.general', 'QONNX')),
  ];
}

const folders = ['onnx', 'ops', 'passes'];
const files = folders.flatMap((folder) =>
  readdirSync(join(root, 'test', folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => ({ path: `test/${folder}/${name}`, text: readFileSync(join(root, 'test', folder, name), 'utf8') })),
);

const uses = networks.map(({ name, build, small }) => ({
  name,
  operators: new Set(build(small).nodes.map((node) => node.opType)),
}));

function rowOf(name: string, domain: string, note: string): Row {
  const quoted = `'${name}'`;
  return {
    ...{ name, domain, note, support: supportOf(name, domain) },
    tests: files.filter(({ text }) => text.includes(quoted)).map(({ path }) => path),
    networks: domain === '' ? uses.filter(({ operators }) => operators.has(name)).map((network) => network.name) : [],
  };
}

export function operatorsPage(): string {
  const [standard, other] = [standardRows(), otherRows()];
  const count = (status: OperatorSupport['status']) => standard.filter((r) => r.support.status === status).length;
  return `# Operators

Written by \`npm run operators\` from what the importer does; a test keeps it so. The list of operators is that of ONNX's own schemas
(\`test/coverage/onnx-operators.py\`). Of the ${standard.length} operators of opset ${list.opset} in the default domain
${count('supported')} are supported, ${count('folded')} always folded, ${count('refused')} refused.

- **supported**: read into the graph; attributes that an operator's file in \`src/ops\` does not take are refused there, with the reason.
- **folded**: its value is known when the network is read.
- **refused**: before any work, all such nodes of a network in one message that says what to do instead. Nearly all of these too are folded
  where their inputs are constants or come from shapes, as in the arithmetic around a Reshape ("where constant").

"Tried in" names the test files with cases of the operator, which are compared with ONNX Runtime, and counts the
[networks](networks.md) that have it.

## ONNX

${table(standard, 'since')}

## Quantized operators of other domains

See [quantized-models.md](quantized-models.md).

${table(other, 'domain')}
`;
}

function table(rows: readonly Row[], second: string): string {
  const lines = rows.map((row) => {
    const { support, note, name } = row;
    const status =
      support.status === 'refused' && support.foldsConstants ? 'refused; folded where constant' : support.status;
    return `| ${name} | ${note} | ${status} | ${support.advice ?? ''} | ${triedIn(row)} |`;
  });
  return [`| operator | ${second} | | what to do | tried in |`, '|---|---|---|---|---|', ...lines].join('\n');
}

function triedIn({ tests, networks: inNetworks, support }: Row): string {
  if (support.status === 'refused') return '';
  const names = tests.map((path) => `[${path.slice('test/'.length, -'.test.ts'.length)}](../${path})`);
  const more =
    inNetworks.length === 0 ? [] : [`${inNetworks.length} ${inNetworks.length === 1 ? 'network' : 'networks'}`];
  return [...names, ...more].join(', ');
}
