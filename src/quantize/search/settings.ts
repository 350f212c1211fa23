import type { Graph } from '../../graph/types.ts';
import { isReduction } from '../groups.ts';
import {
  type LayerOptions,
  type LayerOverride,
  optionsOfLayer,
  type QuantizeOptions,
  type SegmentChoice,
} from '../options.ts';
import { bitsOfForm, winogradMisfit } from '../winograd/plan.ts';

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

/**
 * Other algorithms for single layers, which a search tries on the whole network since nothing predicts their errors: F(4×4) for each
 * 3×3 convolution that has such a form and reads data that no other layer reads.
 */
export function otherAlgorithms(graph: Graph, options: QuantizeOptions): NamedSettings[] {
  if (options.analysis === 'calibrated' || options.lanes === 1) return [];
  return graph.nodes.filter(isReduction).flatMap((node): NamedSettings[] => {
    const { name } = node.origin;
    const alone = graph.nodes.filter((n) => isReduction(n) && n.inputs[0] === node.inputs[0]).length === 1;
    const free = options.layers.get(name)?.winograd === undefined && optionsOfLayer(options, node).bits === 'auto';
    if (!alone || !free || winogradMisfit(graph, node, options) !== undefined) return [];
    return [{ name, override: { winograd: 'f4', bits: bitsOfForm.f4, accBits: options.accBits, segments: 'auto' } }];
  });
}
