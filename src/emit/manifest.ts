import { createHash } from 'node:crypto';
import { z } from 'zod';
import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import { dataWidth, quantOf } from '../ops/quantized.ts';
import { reductionSummary } from './describe.ts';
import type { EmitContext, SourceFile } from './types.ts';
import { weightBytes } from './weights-arrays.ts';

/** Marks a folder as a bundle, which may be replaced. */
export const generator = 'neonarrow';

const whole = z.number().int();
const shape = z.array(whole);

const tensorSchema = z.object({
  shape,
  bits: whole,
  /** Only where they are not all that the bits have. */
  steps: whole.exactOptional(),
  scale: z.number(),
  zeroPoint: whole,
});

/** What an accumulator holds: all that is known of the sums of a layer. */
const sumsSchema = z.object({
  macs: whole,
  weightBits: whole,
  accumulatorBits: whole,
  lanes: whole,
  /** Ends of the segments, in steps of the kernel; each is flushed into 32 bits. */
  segments: z.array(whole),
  mode: z.enum(['proven', 'calibrated']),
  /** The widest sum of a lane and segment, over all channels. */
  worst: z.object({ lo: whole, hi: whole }).exactOptional(),
  /** Extent of `worst` over that of the accumulator. */
  utilization: z.number().exactOptional(),
  /** The widest 16-bit sum in which a flush adds up lanes of 8 bits. */
  flushed: z.object({ lo: whole, hi: whole }).exactOptional(),
});

const layerSchema = z.object({
  step: whole,
  /** The ONNX node's name. */
  name: z.string(),
  operator: z.string(),
  kernel: z.string(),
  function: z.string(),
  inputs: z.array(tensorSchema),
  output: tensorSchema,
  sums: sumsSchema.exactOptional(),
});

const checksum = z.object({ algorithm: z.literal('SHA256'), checksumValue: z.string() });

const spdxSchema = z.object({
  SPDXID: z.string(),
  name: z.string(),
  versionInfo: z.string(),
  primaryPackagePurpose: z.literal('SOURCE'),
  downloadLocation: z.literal('NOASSERTION'),
  filesAnalyzed: z.literal(false),
  licenseConcluded: z.literal('NOASSERTION'),
  licenseDeclared: z.string(),
  copyrightText: z.string(),
  checksums: z.array(checksum),
  comment: z.string(),
});

/** `manifest.json` of a bundle, format 1. Paths are relative to its folder. Holds no times and no paths of a machine. */
export const manifestSchema = z.object({
  generator: z.literal(generator),
  format: z.literal(1),
  version: z.string(),
  model: z.object({ name: z.string(), sha256: z.string() }),
  prefix: z.string(),
  target: z.string(),
  options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  ports: z.array(
    z.object({
      direction: z.enum(['input', 'output']),
      name: z.string(),
      parameter: z.string(),
      tensor: tensorSchema,
      /** Of an input of fewer than 8 bits: the integers that it is clamped to. */
      range: z.object({ lo: whole, hi: whole }).exactOptional(),
    }),
  ),
  layers: z.array(layerSchema),
  weightBytes: whole,
  /** What the program takes at most, in whole KiB, without `memcpy` and `memset`; absent where nothing was compiled. */
  stackBytes: whole.exactOptional(),
  arena: z.object({
    bytes: whole,
    /** The most bytes that are in use at one step: no plan of these buffers needs less. */
    lowerBound: whole,
    alignment: whole,
    /** Buffers and the steps between which they are in use, both included. */
    map: z.array(z.object({ offset: whole, bytes: whole, first: whole, last: whole, tensors: z.array(z.string()) })),
  }),
  /** The bundle as a package of an SPDX 2.3 document, to be copied into a product's list of parts. */
  spdx: spdxSchema,
  files: z.array(z.object({ path: z.string(), bytes: whole, sha256: z.string() })),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** @param files all others of the bundle */
export function manifestOf(context: EmitContext, files: readonly SourceFile[]): Manifest {
  const { prefix, options, ports } = context;
  const { graph, plan, target } = options;
  return {
    generator,
    format: 1,
    version: options.toolVersion,
    model: { name: graph.name, sha256: options.modelHash },
    prefix,
    target: target.name,
    options: { ...options.options },
    ports: ports.map(({ direction, name, cName, tensor, range }) => ({
      direction,
      name,
      parameter: cName,
      tensor: tensorEntry(context, tensor.id),
      ...(range && { range }),
    })),
    layers: layerEntries(context),
    weightBytes: weightBytes(context),
    ...(context.stackBytes !== undefined && { stackBytes: context.stackBytes }),
    arena: {
      bytes: plan.arenaBytes,
      lowerBound: plan.lowerBoundBytes,
      alignment: 16,
      map: plan.blocks.map((block) => ({ ...block, tensors: [...block.tensors] })),
    },
    spdx: spdxPackage(context, files),
    files: files.map(({ path, contents }) => ({ path, bytes: Buffer.byteLength(contents), sha256: sha256(contents) })),
  };
}

export function emitManifest(manifest: Manifest): SourceFile {
  return { path: 'manifest.json', contents: `${jsonText(manifest)}\n` };
}

function spdxPackage({ prefix, options, layout }: EmitContext, files: readonly SourceFile[]): Manifest['spdx'] {
  // Of all contents: the checksum of a list of checksums, as `sha256sum` prints it.
  const list = files.map(({ path, contents }) => `${sha256(contents)}  ${path}\n`).join('');
  return {
    SPDXID: `SPDXRef-Package-${prefix.replaceAll('_', '-')}`,
    name: prefix,
    versionInfo: options.modelHash.slice(0, 12),
    primaryPackagePurpose: 'SOURCE',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: layout.license ?? 'NOASSERTION',
    copyrightText: layout.copyright ?? 'NOASSERTION',
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256(list) }],
    comment: `generated by neonarrow ${options.toolVersion} from a model of SHA-256 ${options.modelHash}`,
  };
}

function layerEntries(context: EmitContext): Manifest['layers'] {
  const { graph, plan } = context.options;
  return plan.steps.flatMap((step, i) => {
    if (step.kind !== 'layer') return [];
    const { info, packed } = must(context.layers[i], 'layer');
    const sums = reductionSummary(graph, step.node, packed);
    const entry: Manifest['layers'][number] = {
      step: step.index,
      name: info.name,
      operator: step.node.origin.opType,
      kernel: step.kernel.name,
      function: info.functionName,
      inputs: step.inputs.map(({ tensor }) => tensorEntry(context, tensor)),
      output: tensorEntry(context, step.output.tensor),
    };
    if (sums === undefined) return [entry];
    const { weightShape: _, segments, utilization, ...rest } = sums;
    const rounded = utilization === undefined ? {} : { utilization: Number(utilization.toFixed(4)) };
    return [{ ...entry, sums: { ...rest, segments: [...segments], ...rounded } }];
  });
}

function tensorEntry({ options }: EmitContext, id: string): z.infer<typeof tensorSchema> {
  const tensor = tensorOf(options.graph, id);
  const quant = quantOf(tensor);
  return { shape: [...tensor.shape], ...dataWidth(quant), scale: quant.step, zeroPoint: quant.zeroPoint };
}

/** As a manifest gives it: in hexadecimal. */
export function sha256(contents: string | Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex');
}

/** JSON with two spaces a level, but arrays of numbers on one line. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return text.replaceAll(
    /\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g,
    (_, items: string) => `[${items.replaceAll(/\s+/g, ' ')}]`,
  );
}
