import { describe, expect, it } from 'vitest';
import { NeonarrowError } from '../../src/core/diagnostics.ts';
import { checkLayerNames, completeOptions, optionsOfLayer, parseLayerOverride } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { defaultTechniques, parseTechniques } from '../../src/quantize/techniques.ts';
import { mixedNetwork, noise } from './networks.ts';

function errorOf(run: () => unknown): NeonarrowError {
  try {
    run();
  } catch (error) {
    if (error instanceof NeonarrowError) return error;
  }
  throw new Error('nothing was refused');
}

describe('options', () => {
  it('are complete by default: 16 bits in 8 lanes, fixed, bias correction', () => {
    expect(completeOptions()).toMatchObject({
      accBits: 16,
      lanes: 8,
      requant: 'fixed',
      bits: 'auto',
      techniques: new Set(['bias']),
    });
  });

  it('fit weights by default where accumulators are narrower than 16 bits in lanes', () => {
    expect(completeOptions({ lanes: 1 }).techniques).toBe(defaultTechniques);
    expect(completeOptions({ accBits: 8 }).techniques).toEqual(new Set([...defaultTechniques, 'diffusion']));
    expect(completeOptions({ accBits: 32 }).techniques).toEqual(new Set(['bias']));
    expect(completeOptions({ techniques: new Set(['feedback']) }).techniques).toEqual(new Set(['feedback']));
  });

  it.each([
    [{ bits: 9 }, '--bits: "9" is no possible number of data bits. Use a whole number from 2 to 8.'],
    [{ weightBits: 1 }, '--weight-bits: "1" is no possible number of weight bits. Use a whole number from 2 to 8.'],
    [{ accBits: 7 }, '--acc-bits: "7" is no possible number of accumulator bits. Use a whole number from 8 to 32.'],
    [
      { accBits: 16.5 },
      '--acc-bits: "16.5" is no possible number of accumulator bits. Use a whole number from 8 to 32.',
    ],
    [{ segments: 0 }, '--segments: "0" is no possible number of segments. Use a whole number from 1 to 4096.'],
    [
      { samples: Number.NaN },
      '--samples: "NaN" is no possible number of samples. Use a whole number from 1 to 1000000.',
    ],
    [{ guard: 0.5 }, '--guard: "0.5" is no guard factor. Use a number from 1 to 16, e.g. 1.25.'],
    [
      { analysis: 'best' as 'weights' },
      '--analysis: "best" is no range analysis. Use worst-case, weights, calibrated.',
    ],
    [{ lanes: 4 as 8 }, '--lanes: "4" is not a number of lanes. Use --lanes 8 (NEON) or --lanes 1.'],
    [
      { layers: new Map([['conv1', { bits: 1 }]]) },
      '--layer conv1: "1" is no possible number of data bits. Use a whole number from 2 to 8.',
    ],
  ])('refuse %o', (given, message) => {
    const { code, place, message: text, hint } = errorOf(() => completeOptions(given));
    expect(code).toBe('bad-option');
    expect(`${place}: ${text} ${hint}`).toBe(message);
  });

  it('flush a scalar accumulator only where asked', () => {
    const [node] = mixedNetwork().nodes;
    expect(optionsOfLayer(completeOptions({ lanes: 1 }), node!).segments).toBe(1);
    expect(optionsOfLayer(completeOptions({ lanes: 1, segments: 'flush' }), node!).segments).toBe('flush');
    expect(optionsOfLayer(completeOptions(), node!).segments).toBe('auto');
  });
});

describe('--layer', () => {
  it('is read, whatever is in the name', () => {
    expect(parseLayerOverride('conv1=bits:6,segments:2')).toEqual(['conv1', { bits: 6, segments: 2 }]);
    expect(parseLayerOverride('/a=b:c/Conv=acc-bits:32, weight-bits:4')).toEqual([
      '/a=b:c/Conv',
      { accBits: 32, weightBits: 4 },
    ]);
    expect(parseLayerOverride('x=segments:flush')).toEqual(['x', { segments: 'flush' }]);
  });

  it.each([
    ['conv1', '--layer: "conv1" names no layer.'],
    ['=bits:3', '--layer: "=bits:3" names no layer.'],
    ['conv1=', '--layer conv1: "" is nothing that a layer can set.'],
    ['conv1=width:3', '--layer conv1: "width" is nothing that a layer can set.'],
    ['conv1=bits:3:4', '--layer conv1: "bits:3:4" is not KEY:VALUE.'],
    ['conv1=bits:six', '--layer conv1: "six" is no whole number.'],
    ['conv1=bits', '--layer conv1: "" is no whole number.'],
    ['conv1=acc-bits:99', '--layer conv1: "99" is no possible number of accumulator bits.'],
  ])('refuses %s', (text, message) => {
    const { place, message: said } = errorOf(() => parseLayerOverride(text));
    expect(`${place}: ${said}`).toBe(message);
  });

  it('of an unknown layer is refused with the names of all', () => {
    const options = completeOptions({ layers: new Map([['conv9', { bits: 6 }]]) });
    const { code, place, message, details } = errorOf(() => checkLayerNames(options, mixedNetwork()));
    expect([code, place, message]).toEqual([
      'unknown-layer',
      '--layer conv9',
      'The network has no layer "conv9" with weights.',
    ]);
    expect(details).toEqual([
      'conv2d0',
      'conv2d1',
      'conv2d2',
      'conv2d5',
      'conv2d6',
      'fullyConnected11',
      'fullyConnected12',
    ]);
  });

  it('can not give two widths to data that two layers read', async () => {
    const graph = mixedNetwork();
    const layers = new Map([
      ['conv2d5', { bits: 6 }],
      ['conv2d6', { bits: 7 }],
    ]);
    const techniques = parseTechniques('none');
    await expect(quantize(graph, noise(graph, 2), { layers, techniques })).rejects.toMatchObject({
      code: 'bad-option',
      message: "conv2d5 and conv2d6 read the same data, so they can't have 6 and 7 data bits.",
      place: '--layer conv2d6',
    });
  });
});
