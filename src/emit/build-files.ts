import { asciiShape, reductionSummary } from './describe.ts';
import { archFlags } from './features.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { hasConstants, hasIncludedWeights, hasTextWeights, weightBytes } from './weights-arrays.ts';

/** CMakeLists.txt with `<model>-config.cmake`, Makefile and README.md. */
export function emitBuildFiles(context: EmitContext): SourceFile[] {
  const { options, ports, hasHarness, arenaBytes } = context;
  const { target, graph, plan } = options;
  const data = {
    ...context.head,
    title: graph.name,
    description: target.description,
    hasConstants: hasConstants(context),
    textWeights: hasTextWeights(context),
    large: hasIncludedWeights(context),
    loaded: context.loadsWeights,
    staticArena: context.layout.arena === 'static',
    hasHarness,
    baremetal: context.layout.runtime === 'baremetal',
    archFlags: archFlags(target),
    processors: processors[target.triple] ?? '',
    crossPrefix: target.triple === 'host' ? '' : `${target.triple}-`,
    emulator: target.qemu ?? '',
    pixels: options.pixels !== undefined,
    labels: options.labels !== undefined,
    arenaBytes,
    weightBytes: weightBytes(context),
    stackBytes: context.stackBytes,
    ports: ports.map((port) => ({
      cName: port.cName,
      upper: port.cName.toUpperCase(),
      name: port.name,
      shape: asciiShape(port.tensor.shape),
    })),
    layers: plan.steps.flatMap((step, i) => {
      if (step.kind !== 'layer') return [];
      const sums = reductionSummary(graph, step.node, context.layers[i]!.packed);
      const segments = sums === undefined ? '' : String(sums.segments.length);
      const bits = sums === undefined ? '' : `${sums.accumulatorBits} x ${sums.lanes}`;
      return [
        {
          step: step.index,
          name: step.node.origin.name,
          kernel: step.kernel.name,
          bits,
          segments,
          mode: sums?.mode ?? '',
        },
      ];
    }),
  };
  const files = ['CMakeLists.txt', 'Makefile', 'README.md'].map((path) => ({ path, template: path }));
  return [...files, { path: `${context.prefix}-config.cmake`, template: 'config.cmake' }].map(({ path, template }) => ({
    path,
    contents: renderC(`${template}.hbs`, data),
  }));
}

/** What CMake calls the processors that a triple's programs run on. */
const processors: Readonly<Record<string, string>> = {
  'aarch64-linux-gnu': 'aarch64|arm64|ARM64',
  'arm-linux-gnueabihf': 'arm',
};
