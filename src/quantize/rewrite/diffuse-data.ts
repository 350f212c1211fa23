import { must } from '../../core/must.ts';
import { GraphBuilder, isKind, tensorOf } from '../../graph/build.ts';
import type { ChannelCarries, Graph, Node, QuantParams, TensorId } from '../../graph/types.ts';
import { wideGrid } from '../../ops/diffusion.ts';
import { type ActivationGroup, activationGroups, isReduction } from '../steps/groups.ts';
import { channelCarries } from './channel-carries.ts';

/**
 * Puts error diffusion in front of layers that read images: what they read are the few steps that their accumulators can take, but made
 * from a finer grid by `diffuse`. Layers that read the network's input are left as they are: its caller rounds it.
 * @param toChannels whether errors go to other channels of their pixel, too (`channelCarries`)
 */
export function diffuseData(graph: Graph, { toChannels = false } = {}): Graph {
  const diffused = new Set(
    activationGroups(graph)
      .filter((g) => isDiffusible(graph, g))
      .flatMap(inputsOfReaders),
  );
  if (diffused.size === 0) return graph;
  const builder = GraphBuilder.rebuild(graph);
  const narrow = new Map<TensorId, TensorId>();
  for (const node of graph.nodes) {
    const x = node.inputs[0]!;
    if (!isReduction(node) || !diffused.has(x)) {
      builder.nodes.push(node);
      continue;
    }
    if (!narrow.has(x)) {
      const readers = graph.nodes.filter((n) => isReduction(n) && n.inputs[0] === x);
      const carries = toChannels ? channelCarries(graph, x, readers) : undefined;
      narrow.set(x, addDiffusion(builder, node, x, carries));
    }
    const own = must(narrow.get(x), x);
    builder.nodes.push({ ...node, inputs: [own, ...node.inputs.slice(1)] });
  }
  return builder.build();
}

/** Whether all that its layers read are images, of more than a pixel, none of them given by the caller. */
function isDiffusible(graph: Graph, group: ActivationGroup): boolean {
  const isInput = graph.inputs.some((p) => group.members.includes(p.tensor));
  return !isInput && inputsOfReaders(group).every((id) => isImage(tensorOf(graph, id).shape));
}

function isImage(shape: readonly number[]): boolean {
  return shape.length === 4 && shape[0] === 1 && shape[1]! * shape[2]! > 1;
}

function inputsOfReaders({ readers }: ActivationGroup): TensorId[] {
  return readers.map((node) => node.inputs[0]!);
}

function addDiffusion(builder: GraphBuilder, reader: Node, x: TensorId, carries: ChannelCarries | undefined): TensorId {
  const own = builder.addTensor({ ...builder.tensors.get(x)!, id: builder.freshId(`${reader.id}.diffused`) });
  const origin = { name: `${reader.origin.name}.diffused`, opType: 'Identity' };
  builder.addNode({ kind: 'diffuse', ...(carries && { carries }) }, [x], [own], origin);
  return own;
}

/**
 * The quantization of each activation of a group, when its layers read `quant`: where errors are diffused, the others have the finer grid
 * that `diffuse` reads.
 */
export function gridsOfGroup(
  graph: Graph,
  { members }: ActivationGroup,
  quant: QuantParams,
): Map<TensorId, QuantParams> {
  const narrow = new Set(graph.nodes.filter((n) => isKind(n, 'diffuse')).flatMap((n) => n.outputs));
  const wide = members.some((id) => narrow.has(id)) ? wideGrid(quant) : quant;
  return new Map(members.map((id) => [id, narrow.has(id) ? quant : wide]));
}
