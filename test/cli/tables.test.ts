import { expect, test } from 'vitest';
import { accuracyText, layerTable, reasonTable } from '../../src/cli/tables.ts';
import type { LayerReport } from '../../src/quantize/report.ts';

const layer: LayerReport = {
  ...{ name: 'conv1', dataBits: 3, weightBits: 4.2, accBits: 12, lanes: 1, segments: 1, utilization: 0.996 },
  ...{ proven: true, budget: 585, scalarBits: 12 },
};

test('data is given in bits, or in steps where they are not all that the bits have', () => {
  expect(layerTable([layer])).toMatch(/^conv1 +3 bit +4\.2 bit +1×12 bit/m);
  expect(layerTable([{ ...layer, dataSteps: 5 }])).toMatch(/^conv1 +5 steps +4\.2 bit/m);
});

test('kernels say how they sum where it is not what was asked for', () => {
  const sums = { macs: 1, weightBits: 8, accumulatorBits: 12, lanes: 1, segments: [4], mode: 'proven' } as const;
  const textOf = (change: object) => {
    const inC = { kernel: 'first-layer', sums: { ...sums, segments: [...sums.segments], ...change } };
    return layerTable([layer], new Map([['conv1', inC]]));
  };
  expect(textOf({})).toMatch(/ first-layer$/m);
  expect(textOf({ accumulatorBits: 16, lanes: 8 })).toMatch(/ first-layer: 8×16 bit$/m);
  expect(textOf({ segments: [2, 4] })).toMatch(/ first-layer: 1×12 bit, 2 segments$/m);
});

test('reasons say where the errors of data are diffused', () => {
  const lines = reasonTable([
    { ...layer, why: 'least error; 14 of 14 widths fit' },
    { ...layer, name: 'conv2', why: 'width as asked for', diffused: 'pixels' },
    { ...layer, name: 'conv3', why: 'width as asked for', diffused: 'channels', pixelSum: 237 },
  ]).split('\n');
  expect(lines.at(-3)).toMatch(/^conv1 +Σ\|w\| ≤ 585 +least error; 14 of 14 widths fit$/);
  expect(lines.at(-2)).toMatch(/^conv2 +Σ\|w\| ≤ 585 +width as asked for; errors of data diffused$/);
  expect(lines.at(-1)).toMatch(
    /; errors of data diffused, to other channels, too; at most 237 steps a pixel, so more fits$/,
  );
});

test('accuracy drops from a float network; a quantized file has none, only what ONNX Runtime makes of it', () => {
  const accuracy = (correct: number) => ({ samples: 200, correct, top1: correct / 200, imagesPerSecond: 10 });
  expect(accuracyText({ float: accuracy(190), quantized: accuracy(189) })).toBe(
    'top-1 float: 95.00 % (190 of 200, 10 a second)\ntop-1 quantized: 94.50 % (189 of 200, 10 a second)\ndrop: 0.50 points',
  );
  expect(accuracyText({ onnxRuntime: accuracy(190), quantized: accuracy(189) })).toBe(
    'top-1 in ONNX Runtime: 95.00 % (190 of 200, 10 a second)\ntop-1 quantized: 94.50 % (189 of 200, 10 a second)',
  );
});
