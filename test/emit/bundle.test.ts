import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { emitBundle } from '../../src/emit/bundle.ts';
import { manifestSchema } from '../../src/emit/manifest.ts';
import type { BundleInfo, SourceFile } from '../../src/emit/types.ts';
import { quantizeValue, quantOf } from '../../src/ops/quantized.ts';
import { tinyBundle } from './tiny.ts';

const golden = (path: string): string => fileURLToPath(new URL(`../golden/tiny/${path}`, import.meta.url));

function fileOf(files: readonly SourceFile[], path: string): string {
  const contents = files.find((file) => file.path === path)?.contents;
  if (typeof contents !== 'string') throw new Error(`no text file ${path}`);
  return contents;
}

describe('emitBundle', () => {
  const bundle = emitBundle(tinyBundle());

  it('emits these files', () => {
    expect(bundle.files.map((file) => file.path)).toEqual([
      'CMakeLists.txt',
      'Makefile',
      'README.md',
      'include/tiny.h',
      'manifest.json',
      'src/tiny.c',
      'src/tiny_weights.c',
      'src/tiny_weights.h',
      'tiny-config.cmake',
    ]);
  });

  it.each(bundle.files.map((file) => file.path))('%s is as last reviewed', async (path) => {
    await expect(fileOf(bundle.files, path)).toMatchFileSnapshot(golden(path));
  });

  it('gives the same bytes again', () => {
    expect(emitBundle(tinyBundle()).files).toEqual(bundle.files);
  });

  it('puts the model’s name on every file and symbol', () => {
    const { files, prefix } = emitBundle({ ...tinyBundle(), name: 'My Net-2' });
    expect(prefix).toBe('my_net_2');
    const header = fileOf(files, 'include/my_net_2.h');
    expect(header).toContain('int my_net_2_run(');
    expect(files.map((file) => String(file.contents)).join('')).not.toMatch(/\btiny_|\bTINY_/);
  });

  it('has lines of at most 120 columns in its C', () => {
    for (const { path, contents } of bundle.files.filter((file) => /\.[ch]$/.test(file.path))) {
      const long = String(contents)
        .split('\n')
        .filter((line) => line.length > 120);
      expect({ path, long }).toEqual({ path, long: [] });
    }
  });

  it('has the steps of pixels in a table that agrees with the input’s quantization', () => {
    const { graph, pixels } = tinyBundle();
    const table = /pixel_steps\[3\]\[256\] = \{(.*?)\n\};/s.exec(fileOf(bundle.files, 'src/tiny_weights.c'))![1]!;
    const steps = [...table.matchAll(/-?\d+/g)].map(Number);
    const quant = quantOf(graph.tensors.get(graph.inputs[0]!.tensor)!);
    expect(steps).toEqual(Array.from(pixels!.table, (real) => quantizeValue(real, quant)));
  });

  it('leaves out what is not there', () => {
    const { pixels: _, labels: __, ...plain } = tinyBundle();
    const text = emitBundle(plain)
      .files.map((file) => String(file.contents))
      .join('');
    expect(text).not.toMatch(/quantize_u8|labels/i);
  });

  it('hands steps and ports to those who add files, and lists these in the manifest', () => {
    const extra = ({ prefix, steps, ports, arenaBytes }: BundleInfo): SourceFile[] => {
      expect(steps.map((step) => step.index)).toEqual(steps.map((_, i) => i));
      expect(steps.map((step) => step.kind)).toEqual(['load', ...Array(6).fill('layer'), 'store']);
      expect(ports.map((port) => port.cName)).toEqual(['input', 'output']);
      expect(arenaBytes).toBe(tinyBundle().plan.arenaBytes);
      return [{ path: `test/${prefix}_harness.c`, contents: 'int main(void) { return 0; }\n' }];
    };
    const { files, manifest } = emitBundle(tinyBundle(), extra);
    expect(manifest.files.map((file) => file.path)).toContain('test/tiny_harness.c');
    expect(fileOf(files, 'Makefile')).toContain('check:');
    expect(fileOf(bundle.files, 'Makefile')).not.toContain('check:');
  });

  it('writes a manifest that fits its schema', () => {
    const manifest = JSON.parse(fileOf(bundle.files, 'manifest.json'));
    expect(manifestSchema.parse(manifest)).toEqual(bundle.manifest);
    expect(manifest.files.map((file: { path: string }) => file.path)).not.toContain('manifest.json');
  });
});
