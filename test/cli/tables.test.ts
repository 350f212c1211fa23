import { expect, test } from 'vitest';
import { layerTable, reasonTable } from '../../src/cli/tables.ts';
import type { LayerReport } from '../../src/quantize/report.ts';

const layer: LayerReport = {
  ...{ name: 'conv1', dataBits: 3, weightBits: 4.2, accBits: 12, lanes: 1, segments: 1, utilization: 0.996 },
  ...{ proven: true, budget: 585, scalarBits: 12 },
};

test('data is given in bits, or in steps where they are not all that the bits have', () => {
  expect(layerTable([layer])).toMatch(/^conv1 +3 bit +4\.2 bit +1×12 bit/m);
  expect(layerTable([{ ...layer, dataSteps: 5 }])).toMatch(/^conv1 +5 steps +4\.2 bit/m);
});

test('reasons say where the errors of data are diffused', () => {
  const lines = reasonTable([
    { ...layer, why: 'least error; 14 of 14 widths fit' },
    { ...layer, name: 'conv2', why: 'width as asked for', diffused: true },
  ]).split('\n');
  expect(lines.at(-2)).toMatch(/^conv1 +Σ\|w\| ≤ 585 +least error; 14 of 14 widths fit$/);
  expect(lines.at(-1)).toMatch(/^conv2 +Σ\|w\| ≤ 585 +width as asked for; errors of data diffused$/);
});
