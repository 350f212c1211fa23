import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import type { Graph, Node, Port, TensorId } from '../graph/types.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { Selections } from '../kernels/select.ts';
import { alignment, alignUp, type Block, lowerBound, packArena } from './arena.ts';
import { assignBuffers, type Location, type Locations, placementAt } from './buffers.ts';
import type { Point } from './concat.ts';
import { borderFills, type Draft, draftSteps } from './draft.ts';
import { bufferLives } from './liveness.ts';
import { densePlacement, type Placement } from './placement.ts';

/** A border to fill with a byte just before the step runs: the frame around `placement`'s interior. */
export interface BorderFill {
  readonly placement: Placement;
  readonly zeroPoint: number;
}

interface CommonStep {
  readonly index: number;
  readonly fillBorder?: BorderFill;
}

/** Copies a caller's input into the arena. */
export interface LoadStep extends CommonStep {
  readonly kind: 'load';
  readonly port: Port;
  /** The caller's memory: dense. */
  readonly inputs: readonly [Placement];
  readonly output: Placement;
}

/** Copies a constant that a kernel reads as an activation into the arena. */
export interface ConstantStep extends CommonStep {
  readonly kind: 'constant';
  readonly tensor: TensorId;
  readonly inputs: readonly [Placement];
  readonly output: Placement;
}

/** Runs a kernel. A concatenation has one step for each input that was not written in place. */
export interface LayerStep extends CommonStep {
  readonly kind: 'layer';
  readonly node: Node;
  readonly kernel: Kernel;
  /** The activations, in the node's order. */
  readonly inputs: readonly Placement[];
  readonly output: Placement;
  /** The output is stored over an input. */
  readonly inPlace: boolean;
  /** Memory of its own while it runs. */
  readonly scratch?: Scratch;
}

export interface Scratch {
  readonly offset: number;
  readonly bytes: number;
}

/** Copies an output to the caller. */
export interface StoreStep extends CommonStep {
  readonly kind: 'store';
  readonly port: Port;
  readonly inputs: readonly [Placement];
  /** The caller's memory: dense. */
  readonly output: Placement;
}

export type Step = LoadStep | ConstantStep | LayerStep | StoreStep;

/** One piece of the arena, for the memory map. */
export interface ArenaBlock {
  readonly offset: number;
  readonly bytes: number;
  /** Steps between which it is in use, both included. */
  readonly first: number;
  readonly last: number;
  /** Empty where a step needs it for itself. */
  readonly tensors: readonly TensorId[];
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Size of the arena, a multiple of 16. */
  readonly arenaBytes: number;
  /** What no plan of these buffers can go below: the most bytes in use at one step. */
  readonly lowerBoundBytes: number;
  readonly blocks: readonly ArenaBlock[];
  /** Where each activation is after its step. */
  readonly placements: ReadonlyMap<TensorId, Placement>;
}

/**
 * Orders the steps of the program and lays out its arena (DESIGN §7): inputs are copied in, layers run in the graph's
 * order, outputs are copied out.
 *
 * @param graph a quantized graph: every activation int8 with one scale
 * @param selections a kernel for each node
 */
export function planMemory(graph: Graph, selections: Selections): Plan {
  const locations = assignBuffers(graph, selections);
  const drafts = draftSteps(graph, locations);
  const lives = bufferLives(drafts, locations);
  const scratches = scratchBlocks(graph, selections, drafts);
  const blocks = [...lives, ...scratches];
  const { offsets, bytes } = packArena(blocks);
  const base = new Map(lives.map((life, i) => [life.buffer, offsets[i]!]));
  const place = (id: TensorId): Placement => {
    const location = must(locations.get(id), `location of ${id}`);
    return placementAt(id, location, must(base.get(location.buffer), `buffer of ${id}`));
  };
  const fills = borderFills(drafts, locations);
  const steps = drafts.map((draft, index) => {
    const value = fills.get(index);
    const fill = value && { fillBorder: { placement: place(rootOf(draft, locations)), zeroPoint: value.zeroPoint } };
    const own = scratches.findIndex(({ first }) => first === index);
    const scratch = own < 0 ? {} : { scratch: { offset: offsets[lives.length + own]!, bytes: scratches[own]!.bytes } };
    return { index, ...fill, ...stepOf(draft, { graph, selections, locations, place }), ...scratch };
  });
  const used = [...locations].filter(([, { buffer }]) => base.has(buffer)).map(([id]) => id);
  return {
    steps,
    arenaBytes: Math.max(bytes + alignment, ...overreads(graph, selections, steps)),
    lowerBoundBytes: lowerBound(blocks) + alignment,
    blocks: blocks.map(({ bytes: size, first, last }, i) => {
      return { offset: offsets[i]!, bytes: size, first, last, tensors: lives[i]?.buffer.tensors ?? [] };
    }),
    placements: new Map(used.map((id) => [id, place(id)])),
  };
}

/** What layers need for themselves, each while it runs. */
function scratchBlocks(graph: Graph, selections: Selections, drafts: readonly Draft[]): Block[] {
  return drafts.flatMap((draft, step) => {
    if (draft.kind !== 'layer') return [];
    const bytes = selections.get(draft.node.id)?.scratch?.(draft.node, graph) ?? 0;
    return bytes === 0 ? [] : [{ bytes, first: step, last: step }];
  });
}

interface StepContext {
  readonly graph: Graph;
  readonly selections: Selections;
  readonly locations: Locations;
  readonly place: (id: TensorId) => Placement;
}

type Unnumbered<T> = T extends Step ? Omit<T, 'index' | 'fillBorder'> : never;

function stepOf(draft: Draft, { graph, selections, locations, place }: StepContext): Unnumbered<Step> {
  const dense = (id: TensorId) => densePlacement(id, tensorOf(graph, id).shape);
  const kernelOf = (node: Node) => must(selections.get(node.id), `kernel of ${node.id}`);
  switch (draft.kind) {
    case 'load':
      return { kind: 'load', port: draft.port, inputs: [dense(draft.write)], output: place(draft.write) };
    case 'constant':
      return { kind: 'constant', tensor: draft.write, inputs: [dense(draft.write)], output: place(draft.write) };
    case 'store':
      return { kind: 'store', port: draft.port, inputs: [place(draft.reads[0])], output: dense(draft.reads[0]) };
    case 'copy': {
      const { node, reads, write, at } = draft;
      const output = slicePlacement(place(write), place(reads[0]), at);
      return { kind: 'layer', node, kernel: kernelOf(node), inputs: [place(reads[0])], output, inPlace: false };
    }
    case 'layer': {
      const { node, reads, write } = draft;
      const inPlace = reads.some((id) => sharesBuffer(locations, id, write));
      return { kind: 'layer', node, kernel: kernelOf(node), inputs: reads.map(place), output: place(write), inPlace };
    }
  }
}

function sharesBuffer(locations: Locations, a: TensorId, b: TensorId): boolean {
  return locations.get(a)?.buffer === locations.get(b)?.buffer;
}

/** The place in a concatenation `whole` into which a tensor is copied. */
function slicePlacement(whole: Placement, input: Placement, [h, w, c]: Point): Placement {
  const offset = whole.offset + h * whole.rowStride + w * whole.pixelStride + c;
  return { ...whole, tensor: input.tensor, extent: input.extent, offset, border: [0, 0, 0, 0] };
}

/** The tensor whose frame is the buffer's: what a slice is a slice of. */
function rootOf(draft: Draft, locations: Locations): TensorId {
  const { buffer }: Location = must(locations.get(draft.kind === 'store' ? draft.reads[0] : draft.write), 'location');
  return must(buffer.tensors[0], 'first tensor of the buffer');
}

/** Where the loads of each kernel end, past the last element of its inputs. */
function overreads(graph: Graph, selections: Selections, steps: readonly Step[]): number[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'layer') return [];
    const extra = selections.get(step.node.id)?.overread?.(step.node, graph) ?? alignment - 1;
    return step.inputs.map((input) => alignUp(endOf(input) + extra));
  });
}

/** First byte past the interior and its border. */
export function endOf({
  offset,
  extent: [h, w, c],
  rowStride,
  pixelStride,
  border: [, , bottom, right],
}: Placement): number {
  return offset + (h - 1 + bottom) * rowStride + (w - 1 + right) * pixelStride + c;
}
