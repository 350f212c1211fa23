import { expect, test } from 'vitest';
import { layerTable } from '../../src/cli/tables.ts';
import type { LayerReport } from '../../src/quantize/report.ts';

const layer: LayerReport = {
  ...{ name: 'conv1', dataBits: 3, weightBits: 4.2, accBits: 12, lanes: 1, segments: 1, utilization: 0.996 },
  ...{ proven: true, budget: 585, scalarBits: 12 },
};

test('data is given in bits, or in steps where they are not all that the bits have', () => {
  expect(layerTable([layer])).toMatch(/^conv1 +3 bit +4\.2 bit +1×12 bit/m);
  expect(layerTable([{ ...layer, dataSteps: 5 }])).toMatch(/^conv1 +5 steps +4\.2 bit/m);
});
