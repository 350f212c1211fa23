import type { LayerOptions, LayerOverride, SegmentChoice } from '../options.ts';
import { bitsOfForm, type WinogradName } from '../winograd/plan.ts';

/** What `--layer` would say of one layer. */
export interface NamedSettings {
  readonly name: string;
  readonly override: LayerOverride;
}

/** Flushes worth trying: where more would be needed, the weights say how many. */
const SEGMENTS: readonly SegmentChoice[] = [1, 2, 3, 4, 6, 'flush'];

/**
 * What a search tries for a layer at one width of its data. A new way to compute layers (a kernel with other accumulators, another
 * algorithm) becomes a candidate by a line here and a member of `LayerOverride`.
 * @param options the layer's own: what they say of accumulators and flushes is tried first
 * @param global false for what keeps the accumulator as it is, as the paper's search does
 */
export function layerSettings(options: LayerOptions, global: boolean): readonly LayerOverride[] {
  const { accBits, lanes, segments } = options;
  const given = { accBits, segments: segments === 'auto' ? 1 : segments };
  if (!global || lanes === 1) return [given];
  const counts = segments === 'auto' ? SEGMENTS : [segments];
  // Lanes of 8 bits take twice the products an instruction.
  const widths = accBits === 16 ? [16, 8] : [accBits];
  return widths.flatMap((bits) => counts.map((count): LayerOverride => ({ accBits: bits, segments: count })));
}

/** Segments worth trying of the products of a tap, which are few. */
const TAP_SEGMENTS = [1, 2];

/** The forms in the Winograd domain that read data of so many bits. */
export function winogradSettings(bits: number): readonly LayerOverride[] {
  const names = (Object.keys(bitsOfForm) as WinogradName[]).filter((name) => bitsOfForm[name] === bits);
  return names.flatMap((winograd) =>
    TAP_SEGMENTS.map((segments): LayerOverride => ({ winograd, segments, accBits: 16 })),
  );
}
