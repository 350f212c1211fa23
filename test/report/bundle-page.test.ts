import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../src/core/must.ts';
import { bundlePage, type ReportedBundle } from '../../src/report/bundle-page.ts';
import { layerChannels } from '../../src/report/channels.ts';
import { loadBundle } from '../../src/verify/load.ts';
import type { VerifyResult } from '../../src/verify/result.ts';

const digits = fileURLToPath(new URL('../../generated/digits', import.meta.url));

let bundle: ReportedBundle;
beforeAll(async () => {
  bundle = { ...(await loadBundle(digits)), altered: [] };
});

const run = { compiler: 'gcc 12.2.0', opt: '-O2', cpu: 'cortex-a53', sanitized: false, milliseconds: 1 };
const wrong: VerifyResult = {
  ...{ verified: false, mismatches: 3, vectors: 17, bytes: 123_456, stack: [], coverage: [] },
  runs: [{ ...run, ok: false, mismatches: 3 }],
  firstMismatch: {
    ...{ line: 'mismatch vector 2', vector: 2, what: 'sample 2', run },
    ...{ layer: '/4/Conv', step: 3, index: 7, expected: 5, actual: -5 },
  },
};

describe('the page of a bundle', () => {
  it('has every layer, and the range of every output channel as the manifest has the widest', async () => {
    const { html, provenChannels, measuredChannels } = await bundlePage(bundle);
    expect([provenChannels, measuredChannels]).toEqual([16 + 32 + 32 + 10, 0]);
    expect(html).toContain('class="good">No accumulator of any of the 90 output channels can overflow');
    for (const { name, kernel } of bundle.manifest.layers)
      expect(html).toMatch(new RegExp(`>${name}</td>.*>${kernel}</td>`));
    const details = html.split('<details>').slice(1);
    expect(details.map((text) => text.split('</details>')[0]!.match(/<tr><td/g)?.length)).toEqual([16, 32, 32, 10]);
    const { graph } = bundle;
    for (const layer of layerChannels(graph).values()) {
      expect(layer.proven).toBe(true);
      for (const { range, preload } of layer.channels) {
        expect(range.lo + preload).toBeGreaterThanOrEqual(-(2 ** 15));
        expect(range.hi + preload).toBeLessThan(2 ** 15);
      }
    }
    const [first] = layerChannels(graph).values();
    const widths = must(first, 'layer').channels.map(({ range }) => range.hi - range.lo);
    const worst = must(bundle.manifest.layers[0]?.sums?.worst, 'sums');
    expect(Math.max(...widths)).toBe(worst.hi - worst.lo);
  });

  it('is one file: pictures are in it, nothing is loaded', async () => {
    const { html } = await bundlePage(bundle);
    expect(html.match(/<svg/g)).toHaveLength(2);
    expect(html).not.toMatch(/<script|<link|src=|@import/);
  });

  it('lets no name become HTML', async () => {
    const name = '<img src=x onerror=alert(1)>';
    const manifest = { ...bundle.manifest, model: { ...bundle.manifest.model, name } };
    const { html } = await bundlePage({ ...bundle, manifest });
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img');
  });

  it('says what is wrong: files that were edited, mismatches', async () => {
    const { html } = await bundlePage({ ...bundle, altered: ['src/digits.c'], verification: wrong });
    expect(html).toContain('<code>src/digits.c</code> is not as it was generated');
    expect(html).toContain('<strong>altered</strong>');
    expect(html).toContain('class="bad">NOT VERIFIED, 3 mismatches: 17 inputs, 123,456 bytes');
    expect(html).toContain('layer &quot;/4/Conv&quot; (step 3), index 7: expected 5, actual -5');
    expect(html).toContain('<strong>3 mismatches</strong>');
  });

  it('proves the weights that are in the bundle, not what its manifest says', async () => {
    const { graph } = bundle;
    const node = must(
      graph.nodes.find((n) => n.op.kind === 'conv2d'),
      'conv',
    );
    const weights = must(graph.tensors.get(node.inputs[1]!), 'weights');
    const tensors = new Map(graph.tensors).set(weights.id, {
      ...weights,
      data: new Int8Array(must(weights.data, 'data').length).fill(127),
    });
    await expect(bundlePage({ ...bundle, graph: { ...graph, tensors } })).rejects.toThrowError(
      expect.objectContaining({ code: 'accumulator-overflow' }),
    );
  });
});
