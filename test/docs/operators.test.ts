import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.ts';
import { operatorsPage, otherRows, type Row, standardRows } from '../coverage/page.ts';
import { buildModel, importError } from '../onnx/model-helper.ts';

const rows = [...standardRows(), ...otherRows()];
const having = (status: Row['support']['status']) => rows.filter((row) => row.support.status === status);

describe('docs/operators.md', () => {
  test('is what "npm run operators" writes', async () => {
    expect(await readFile(join(import.meta.dirname, '../../docs/operators.md'), 'utf8')).toBe(operatorsPage());
  });

  test('lists every operator of the opset', () => {
    const names = standardRows().map((row) => row.name);
    expect(names).toEqual(expect.arrayContaining(['Conv', 'LSTM', 'QLinearConv', 'GridSample']));
    expect(names.length).toBeGreaterThan(180);
    expect(new Set(names).size).toBe(names.length);
  });

  test('has a test of every supported operator', () => {
    const untested = having('supported').filter(({ tests, networks }) => tests.length + networks.length === 0);
    expect(untested.map((row) => row.name)).toEqual([]);
  });

  test('says what the importer says of those that are refused', async () => {
    const refused = having('refused');
    expect(refused.length).toBeGreaterThan(50);
    for (const { name, domain, support } of refused) {
      const spec = { inputs: { x: [1, 4] }, nodes: [{ op: name, domain, name: 'n', inputs: ['x'] }] };
      const error = await importError(encodeModel(buildModel(spec)));
      expect(error).toMatchObject({ code: 'unsupported-operator', kind: 'unsupported' });
      expect(error.details).toEqual([`"n" ${name}${domain === '' ? '' : ` (${domain})`}: ${support.advice}`]);
    }
  });
});
