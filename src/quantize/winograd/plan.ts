import { reject } from '../../core/diagnostics.ts';
import { tensorOf } from '../../graph/build.ts';
import type { Graph, Node, NodeId } from '../../graph/types.ts';
import type { WinogradTile } from '../../numeric/winograd.ts';
import { isReductionNode } from '../../proof/certify.ts';
import { optionsOfLayer, type QuantizeOptions, type WinogradChoice } from '../options.ts';

/** One way to compute a layer in the Winograd domain. */
export interface WinogradForm {
  readonly tile: WinogradTile;
  /** Without rounding the transformed input: F(2×2) on data of at most 6 bits. */
  readonly exact: boolean;
}

export type WinogradName = Exclude<WinogradChoice, 'off' | 'auto'>;

export const winogradForms: Readonly<Record<WinogradName, WinogradForm>> = {
  f2: { tile: 2, exact: false },
  'f2-exact': { tile: 2, exact: true },
  f4: { tile: 4, exact: false },
};

/** Data bits of the input of a layer in that form: the transformed input is rounded anyway, to 8 bits. */
export const bitsOfForm: Readonly<Record<WinogradName, number>> = { f2: 8, 'f2-exact': 6, f4: 8 };

/** Which layers are to be computed in the Winograd domain, and how; `auto` where it is to be measured. */
export type WinogradPlan = ReadonlyMap<NodeId, WinogradName | 'auto'>;

/**
 * What the options say about each layer.
 * @throws reject `bad-option` where one is asked for by name that has no such form
 */
export function planWinograd(graph: Graph, options: QuantizeOptions): WinogradPlan {
  const plan = new Map<NodeId, WinogradName | 'auto'>();
  for (const node of graph.nodes) {
    if (!isReductionNode(node)) continue;
    const own = options.layers.get(node.origin.name)?.winograd;
    const choice = own ?? options.winograd;
    if (choice === 'off') continue;
    const misfit = winogradMisfit(graph, node, options);
    if (misfit === undefined) plan.set(node.id, choice);
    else if (own !== undefined && own !== 'auto') {
      throw reject({
        code: 'bad-option',
        message: `Layer "${node.origin.name}" cannot be computed in the Winograd domain: ${misfit}.`,
        place: `--layer ${node.origin.name}`,
        hint: 'Leave it direct (winograd:off); Winograd takes 3×3 convolutions with strides 1 and 16-bit lanes.',
      });
    }
  }
  return plan;
}

/** Fewer input channels do not fill the 16 bytes that products are made of. */
const leastChannels = 16;

/** Why a layer has no Winograd form; undefined where it has. */
export function winogradMisfit(graph: Graph, node: Node, options: QuantizeOptions): string | undefined {
  if (node.op.kind !== 'conv2d') return 'it is no convolution';
  const { strides, dilations, groups } = node.op;
  const [, kh, kw, channels] = tensorOf(graph, node.inputs[1]!).shape as [number, number, number, number];
  if (kh !== 3 || kw !== 3) return `its kernel is ${kh}×${kw}`;
  if (strides.some((s) => s !== 1) || dilations.some((d) => d !== 1)) return 'it has strides or dilations';
  if (groups !== 1) return 'it has groups';
  if (channels < leastChannels) return `it has ${channels} input channels`;
  const { accBits, lanes, requant } = optionsOfLayer(options, node);
  if (accBits !== 16 || lanes !== 8) return 'its accumulators are not 8 lanes of 16 bits';
  if (requant !== 'fixed') return `it requantizes by ${requant}`;
  if (options.analysis === 'calibrated') return 'its accumulators are not to be proven';
  return undefined;
}

/** The segments that were asked for of planned layers; one where nothing was. */
export function winogradSegments(graph: Graph, plan: WinogradPlan, options: QuantizeOptions): Map<NodeId, number> {
  const planned = graph.nodes.filter((node) => plan.has(node.id));
  return new Map(
    planned.flatMap((node) => {
      const { segments } = optionsOfLayer(options, node);
      return typeof segments === 'number' ? [[node.id, segments] as const] : [];
    }),
  );
}

/** The options with the data bits that planned layers read, where nothing else is said about these. */
export function withWinogradBits(graph: Graph, plan: WinogradPlan, options: QuantizeOptions): QuantizeOptions {
  const layers = new Map(options.layers);
  for (const node of graph.nodes) {
    const name = plan.get(node.id);
    const own = layers.get(node.origin.name);
    if (name === undefined || name === 'auto' || own?.bits !== undefined || options.bits !== 'auto') continue;
    layers.set(node.origin.name, { ...own, bits: bitsOfForm[name] });
  }
  return { ...options, layers };
}
