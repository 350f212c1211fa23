import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { neonarrow, objectOf, ownFolder, refusal } from './command-line.ts';
import { ownTiny } from './tiny.ts';

const folder = ownFolder();
const tiny = ownTiny(folder);

interface Point {
  readonly instructions: number;
  readonly score: number;
  readonly drop: number;
  readonly layers: Record<string, { bits: number }>;
}
interface Search {
  readonly samples: number;
  readonly labelled: boolean;
  readonly floatScore: number;
  readonly chosen: Point;
  readonly front: readonly Point[];
}

async function search(...words: string[]): Promise<{ search: Search; layers: Record<string, unknown>[] }> {
  const common = ['-o', join(folder, 'q.onnx'), '--cache', join(folder, 'cache'), '--json', '--quiet'];
  const seen = await neonarrow('quantize', tiny.model, '--calibrate', tiny.labelled, ...common, ...words);
  expect(seen.exitCode, seen.stderr).toBe(0);
  return objectOf(seen) as unknown as { search: Search; layers: Record<string, unknown>[] };
}

describe('quantize --max-drop, --max-instructions', () => {
  test('the fewest instructions within the drop; the front; every layer as chosen', { timeout: 240_000 }, async () => {
    const front = join(folder, 'front.csv');
    const { search: found, layers } = await search('--max-drop', '10', '--front', front);
    expect(found).toMatchObject({ samples: 24, labelled: true });
    expect(found.chosen.drop).toBeLessThanOrEqual(0.1 + 1e-9);
    expect(found.chosen.drop).toBeCloseTo(found.floatScore - found.chosen.score, 12);
    for (const point of found.front) {
      if (point.instructions < found.chosen.instructions) expect(point.drop).toBeGreaterThan(0.1);
    }
    const order = found.front.map((p) => p.instructions);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(Object.keys(found.chosen.layers)).toEqual(['conv1', 'conv2', 'scores']);
    for (const layer of layers) {
      expect(layer['dataBits']).toBe(found.chosen.layers[layer['name'] as string]!.bits);
      expect(layer).toMatchObject({ proven: true, why: 'search: fewest instructions within 10 points' });
    }
    const lines = (await readFile(front, 'utf8')).trimEnd().split('\n');
    expect(lines[0]).toBe('instructions,score,drop,layers');
    expect(lines.slice(1).map((line) => Number(line.split(',')[0]))).toEqual(order);
  });

  test('the best within a budget, the same every time', { timeout: 240_000 }, async () => {
    const words = ['--max-instructions', '40000'];
    const first = await search(...words);
    expect(first.search.chosen.instructions).toBeLessThanOrEqual(40_000);
    const others = first.search.front.filter((p) => p.instructions <= 40_000);
    expect(first.search.chosen.score).toBe(Math.max(...others.map((p) => p.score)));
    expect(await search(...words)).toEqual(first);
  });

  test('keeps what the user asked of a layer', { timeout: 240_000 }, async () => {
    const { search: found, layers } = await search('--max-drop', '50', '--layer', 'conv2=bits:7,acc-bits:16');
    expect(found.chosen.layers['conv2']).toMatchObject({ bits: 7, accBits: 16 });
    expect(layers[1]).toMatchObject({ name: 'conv2', dataBits: 7, accBits: 16 });
  });

  test('layer after layer, as the paper: in the accumulator asked for', async () => {
    const { search: found, layers } = await search('--search', 'layer-wise', '--acc-bits', '12', '--lanes', '1');
    expect(layers.map((l) => [l['accBits'], l['lanes'], l['segments'], l['proven']])).toEqual(
      layers.map(() => [12, 1, 1, true]),
    );
    expect(Math.max(...found.front.map((p) => p.score))).toBe(found.chosen.score);
  });

  test('what no configuration reaches is refused, saying how far one gets', async () => {
    const words = ['quantize', tiny.model, '--calibrate', tiny.labelled, '-o', join(folder, 'none.onnx'), '--no-cache'];
    const said = await refusal(2, folder, ...words, '--max-instructions', '10');
    expect(said).toMatch(/^error\[goal-out-of-reach\]: No configuration needs fewer than \d+ predicted instructions\./);
  });

  test.each([
    [['--max-drop', 'much'], '--max-drop', '"much" is not a number of at least 0'],
    [['--max-instructions', '0'], '--max-instructions', '"0" is not a number of at least 1'],
    [['--front', 'front.txt'], '--front', '"front.txt" is neither .json nor .csv'],
  ])('%j is refused', async (words, place, message) => {
    const said = await refusal(2, folder, 'quantize', tiny.model, '--calibrate', tiny.labelled, ...words);
    expect(said).toContain(`error[bad-flag]: ${message}\n  at ${place}\n  hint: `);
  });
});

describe('quantize --report', () => {
  test('says of each layer its budget and why it was chosen', async () => {
    const words = ['quantize', tiny.model, '--calibrate', tiny.pixels, '-o', join(folder, 'r.onnx'), '--quiet'];
    const { stdout } = await neonarrow(...words, '--report', '--acc-bits', '12', '--lanes', '1');
    const chosen = 'least error; 14 of 14 widths fit';
    const whys = {
      conv1: chosen,
      conv2: `${chosen}; errors of data diffused; at most \\d+ steps a pixel, so more fits`,
      scores: chosen,
    };
    for (const [layer, why] of Object.entries(whys)) {
      expect(stdout).toMatch(new RegExp(`^${layer} +Σ\\|w\\| ≤ [\\d,]+ +${why}$`, 'm'));
    }
  });
});

describe('inspect --acc-bits', () => {
  test('prints the widths that fully use the accumulator', async () => {
    const { stdout } = await neonarrow('inspect', tiny.model, '--acc-bits', '12');
    expect(stdout).toMatch(/^conv2 +72 +5×2 {2}4×3 {2}3×4 {2}2×5$/m);
    const json = objectOf(await neonarrow('inspect', tiny.model, '--acc-bits', '8', '--json'));
    expect(json).toMatchObject({ bits: 8, lanes: 1, layers: [{ name: 'conv1', products: 9 }, { products: 72 }, {}] });
  });
});
