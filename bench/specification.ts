import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** `bench/layers.json`, checked. */
const size = z.number().int().positive();

/** Schemes under which layers are measured: `weights.ts` says what they are. */
export const schemeNames = [
  'one segment',
  'flushes',
  'uniform, flushes',
  '8 bits',
  'winograd 4x4',
  'winograd 2x2',
  'winograd 2x2, exact',
  'dot product',
  'matrix product',
  'Armv7',
  'Armv7, flushes',
] as const;

export type SchemeName = (typeof schemeNames)[number];

const operator = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('conv'),
    kernel: size.default(1),
    stride: size.default(1),
    pad: z.number().int().nonnegative().default(0),
    groups: z.union([size, z.literal('depthwise')]).default(1),
    outputs: size,
  }),
  z.strictObject({ kind: z.literal('dense'), outputs: size }),
  z.strictObject({
    kind: z.literal('maxPool'),
    kernel: size,
    stride: size,
    pad: z.number().int().nonnegative().default(0),
  }),
  z.strictObject({ kind: z.literal('averagePool'), kernel: size }),
  z.strictObject({ kind: z.literal('add') }),
  z.strictObject({ kind: z.literal('hardSwish') }),
  z.strictObject({ kind: z.literal('lrn'), size, alpha: z.number(), beta: z.number(), bias: z.number() }),
]);

const shape = z.tuple([size, size, size]);

const network = z.strictObject({
  name: z.string(),
  about: z.string(),
  /** Instructions a MAC, over the whole network. */
  target: z.number().optional(),
});

/** Layers in integers, with random weights. */
const seeded = network.extend({
  input: shape,
  dataBits: size,
  /** Whether weights are fitted to the accumulators, as the quantizer does: `weights.ts`. */
  fitted: z.boolean().default(false),
  /** `from`: the layers that it reads, where that is not the one before. */
  layers: z.array(z.strictObject({ name: z.string(), from: z.array(z.string()).optional(), op: operator })),
});

/** A float model that neonarrow itself quantizes, by its defaults. */
const quantized = network.extend({
  /** A file, from the project's folder; or the name of a network of `bench/networks`. */
  model: z.union([z.strictObject({ file: z.string() }), z.strictObject({ built: z.string() })]),
  calibrate: z.string(),
});

const schema = z.strictObject({
  about: z.string(),
  layers: z.array(
    z.strictObject({
      name: z.string(),
      /** Height, width, channels. */
      input: shape,
      op: operator,
      /** The schemes under which it is measured, with the instructions a MAC that are wanted, if any. */
      targets: z.partialRecord(z.enum(schemeNames), z.number().nullable()),
    }),
  ),
  networks: z.array(z.union([seeded, quantized])),
});

export type Specification = z.infer<typeof schema>;
export type LayerSpec = Specification['layers'][number];
export type NetworkSpec = Specification['networks'][number];
export type SeededNetwork = z.infer<typeof seeded>;
export type QuantizedNetwork = z.infer<typeof quantized>;
export type OperatorSpec = z.infer<typeof operator>;
export type Extent = z.infer<typeof shape>;

export function readSpecification(): Specification {
  return schema.parse(JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')));
}
