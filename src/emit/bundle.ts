import { emitBuildFiles } from './build-files.ts';
import { emitHeader } from './header.ts';
import { emitStep } from './layer.ts';
import { emitManifest, type Manifest, manifestOf } from './manifest.ts';
import { modelPrefix } from './names.ts';
import { portsOf } from './ports.ts';
import { emitSource } from './source.ts';
import type { BundleInfo, BundleOptions, EmitContext, SourceFile } from './types.ts';
import { emitWeights } from './weights.ts';

export interface Bundle extends BundleInfo {
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  readonly manifest: Manifest;
}

/**
 * The C program of a quantized graph and all that belongs to it (DESIGN §8). Pure: the same arguments give the same bytes.
 *
 * @param extraFiles further files, e.g. the test harness in `test/<prefix>_harness.c`, for which the Makefile has `check`
 * @throws reject `bad-model-name`; invariant where a kernel's packed weights break its proof
 */
export function emitBundle(
  options: BundleOptions,
  extraFiles: (info: BundleInfo) => readonly SourceFile[] = () => [],
): Bundle {
  const { graph, plan, target } = options;
  const prefix = modelPrefix(options.name ?? graph.name);
  const ports = portsOf(graph);
  const layers = plan.steps.map((step) => emitStep({ graph, plan, target, model: prefix }, step));
  const info: BundleInfo = { prefix, ports, steps: layers.map((layer) => layer.info), arenaBytes: plan.arenaBytes };
  const extra = extraFiles(info);
  const context: EmitContext = { ...info, options, layers, hasHarness: hasHarness(extra, prefix) };
  const files = [
    emitHeader(context),
    emitSource(context),
    ...emitWeights(context),
    ...emitBuildFiles(context),
    ...extra,
  ];
  const manifest = manifestOf(context, sorted(files));
  return { ...info, manifest, files: sorted([...files, emitManifest(manifest)]) };
}

function sorted(files: readonly SourceFile[]): SourceFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function hasHarness(files: readonly SourceFile[], prefix: string): boolean {
  return files.some((file) => file.path === `test/${prefix}_harness.c`);
}
