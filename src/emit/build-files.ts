import { asciiShape, reductionSummary } from './describe.ts';
import { renderC } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { hasConstants, hasLargeConstants, weightBytes } from './weights.ts';

/** CMakeLists.txt, Makefile and README.md. */
export function emitBuildFiles(context: EmitContext): SourceFile[] {
  const { prefix: model, options, ports, hasHarness, arenaBytes } = context;
  const { target, graph, plan } = options;
  const data = {
    model,
    MODEL: model.toUpperCase(),
    title: graph.name,
    version: options.toolVersion,
    description: target.description,
    hasConstants: hasConstants(context),
    large: hasLargeConstants(context),
    hasHarness,
    crossPrefix: target.triple === 'host' ? '' : `${target.triple}-`,
    emulator: target.qemu ?? '',
    pixels: options.pixels !== undefined,
    labels: options.labels !== undefined,
    arenaBytes,
    weightBytes: weightBytes(context),
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
  return ['CMakeLists.txt', 'Makefile', 'README.md'].map((path) => ({ path, contents: renderC(`${path}.hbs`, data) }));
}
