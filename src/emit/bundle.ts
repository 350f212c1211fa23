import { emitBaremetal } from './baremetal.ts';
import { emitBuildFiles } from './build-files.ts';
import { fileHead } from './head.ts';
import { emitHeader } from './header.ts';
import { emitStep } from './layer.ts';
import { defaultLayout } from './layout.ts';
import { emitManifest, type Manifest, manifestOf } from './manifest.ts';
import { modelPrefix } from './names.ts';
import { portsOf } from './ports.ts';
import { emitSource } from './source.ts';
import { splitFile } from './split.ts';
import type { BundleInfo, BundleOptions, EmitContext, SourceFile } from './types.ts';
import { emitWeights } from './weights.ts';
import { hasLoadedWeights } from './weights-arrays.ts';

export interface Bundle extends BundleInfo {
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  readonly manifest: Manifest;
  /** What it was made from, for `withStack`. */
  readonly context: EmitContext;
  /** The files but for those about them. */
  readonly sources: readonly SourceFile[];
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
  const layout = options.layout ?? defaultLayout;
  const head = fileHead(prefix, options.toolVersion, layout);
  const layers = plan.steps.map((step) => emitStep({ graph, plan, target, model: prefix }, step));
  const steps = layers.map((layer) => layer.info);
  const info = { prefix, ports, steps, arenaBytes: plan.arenaBytes, layout, head };
  const partial = { ...info, options, layers, loadsWeights: false, hasHarness: false };
  const loadsWeights = hasLoadedWeights(partial);
  const bundle: BundleInfo = { ...info, loadsWeights };
  const extra = extraFiles(bundle);
  const context: EmitContext = { ...partial, ...bundle, hasHarness: hasHarness(extra, prefix) };
  const sources = [
    emitHeader(context),
    emitSource(context),
    ...emitWeights(context),
    ...emitBaremetal(context),
    ...extra,
  ];
  return described(
    context,
    sources.flatMap((file) => splitFile(file, layout.maxFileBytes)),
  );
}

/** The same bundle, which also says how much stack its program takes at most. */
export function withStack({ context, sources }: Bundle, stackBytes: number): Bundle {
  return described({ ...context, stackBytes }, sources);
}

/** The sources with the files about them. */
function described(context: EmitContext, sources: readonly SourceFile[]): Bundle {
  const { prefix, ports, steps, arenaBytes, layout, loadsWeights, head } = context;
  const files = sorted([...sources, ...emitBuildFiles(context)]);
  const manifest = manifestOf(context, files);
  const info: BundleInfo = { prefix, ports, steps, arenaBytes, layout, loadsWeights, head };
  return { ...info, context, sources, manifest, files: sorted([...files, emitManifest(manifest)]) };
}

function sorted(files: readonly SourceFile[]): SourceFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function hasHarness(files: readonly SourceFile[], prefix: string): boolean {
  return files.some((file) => file.path === `test/${prefix}_harness.c`);
}
