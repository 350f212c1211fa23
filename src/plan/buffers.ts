import { must } from '../core/must.ts';
import { consumersOf, isGraphOutput, isKind, outputOf, tensorOf } from '../graph/build.ts';
import { isFreePermutation } from '../graph/shape.ts';
import type { Graph, Node, Pads, TensorId } from '../graph/types.ts';
import type { Selections } from '../kernels/select.ts';
import { quantOf } from '../ops/quantized.ts';
import { activationsOf } from './activations.ts';
import { type Point, placedSlices } from './concat.ts';
import { extentOf, hasBorder, noBorder, type Placement, widerBorder } from './placement.ts';

/** What a buffer holds at one time: a tensor, its views, and the slices that it is concatenated from. */
export interface Value {
  readonly zeroPoint: number;
  /** Asked for by the kernels that read this value. */
  border: Pads;
}

/** Memory that tensors share, one value after the other. */
export interface Buffer {
  readonly extent: Point;
  readonly tensors: TensorId[];
  /** The widest of its values. */
  border: Pads;
  /** A view with other extents lies over it: no border may part its bytes. */
  flat: boolean;
}

export interface Location {
  readonly buffer: Buffer;
  readonly value: Value;
  readonly extent: Point;
  /** Of the tensor's first element in the buffer; [0, 0, 0] but for slices of a concatenation. */
  readonly at: Point;
}

export type Locations = ReadonlyMap<TensorId, Location>;

interface State {
  readonly graph: Graph;
  readonly selections: Selections;
  readonly position: ReadonlyMap<Node, number>;
  readonly locations: Map<TensorId, Location>;
}

/**
 * Gives every activation a buffer: concatenations take in their inputs, views share their input's bytes where these are
 * contiguous, and kernels that can write over an input that dies do so. Everything else gets a buffer of its own.
 */
export function assignBuffers(graph: Graph, selections: Selections): Locations {
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const state: State = { graph, selections, position, locations: new Map() };
  const slices = placedSlices(graph, selections);
  // A slice is located with its concatenation, which may be a slice of another: from the last one backwards.
  for (const id of [...slices.keys()].toReversed()) locateSlice(state, slices, id);
  for (const { tensor } of graph.inputs) ownBuffer(state, tensor);
  for (const node of graph.nodes) {
    for (const id of activationsOf(node)) if (tensorOf(graph, id).data !== undefined) ownBuffer(state, id);
    const output = outputOf(graph, node).id;
    if (state.locations.has(output)) continue;
    const shared = isView(node, graph) ? viewedLocation(state, node) : dyingInput(state, node);
    if (shared === undefined) ownBuffer(state, output);
    else join(state, output, shared);
  }
  return state.locations;
}

/** True for nodes whose output has the input's bytes in the input's order. */
export function isView(node: Node, graph: Graph): boolean {
  if (isKind(node, 'reshape')) return true;
  return isKind(node, 'transpose') && isFreePermutation(tensorOf(graph, node.inputs[0]!).shape, node.op.perm);
}

/** The border that the kernels reading a tensor ask for. */
function askedBorder({ graph, selections }: State, id: TensorId): Pads {
  return consumersOf(graph, id)
    .filter((node) => node.inputs[0] === id)
    .map((node) => selections.get(node.id)?.border?.(node, graph) ?? noBorder)
    .reduce(widerBorder, noBorder);
}

function ownBuffer(state: State, id: TensorId): void {
  if (state.locations.has(id)) return;
  const tensor = tensorOf(state.graph, id);
  const border = askedBorder(state, id);
  const extent = extentOf(tensor.shape);
  const buffer: Buffer = { extent, tensors: [id], border, flat: false };
  state.locations.set(id, { buffer, value: { zeroPoint: quantOf(tensor).zeroPoint, border }, extent, at: [0, 0, 0] });
}

function locateSlice(state: State, slices: ReturnType<typeof placedSlices>, id: TensorId): void {
  if (state.locations.has(id)) return;
  const { into, at } = must(slices.get(id), `slice ${id}`);
  if (slices.has(into)) locateSlice(state, slices, into);
  else ownBuffer(state, into);
  const whole = must(state.locations.get(into), `location of ${into}`);
  whole.buffer.tensors.push(id);
  const start: Point = [whole.at[0] + at[0], whole.at[1] + at[1], whole.at[2] + at[2]];
  state.locations.set(id, { ...whole, extent: extentOf(tensorOf(state.graph, id).shape), at: start });
}

/** A shared location, and whether the tensor is what is there already (a view) or replaces it. */
interface Shared {
  readonly location: Location;
  readonly replaces: boolean;
}

function viewedLocation(state: State, node: Node): Shared | undefined {
  const location = must(state.locations.get(node.inputs[0]!), `location of ${node.inputs[0]}`);
  const output = outputOf(state.graph, node);
  const border = askedBorder(state, output.id);
  const same = sameExtent(location.extent, extentOf(output.shape));
  if (same) return fitsBorder(location.buffer, border) ? { location, replaces: false } : undefined;
  const contiguous = isWhole(location) && !hasBorder(location.buffer.border) && !hasBorder(border);
  return contiguous ? { location, replaces: false } : undefined;
}

/** An input that the node may write over: of the output's extents, and with its whole buffer not read any more. */
function dyingInput(state: State, node: Node): Shared | undefined {
  const { graph, selections, locations } = state;
  if (selections.get(node.id)?.inPlace !== true) return undefined;
  const output = outputOf(graph, node);
  const border = askedBorder(state, output.id);
  for (const id of activationsOf(node)) {
    const location = must(locations.get(id), `location of ${id}`);
    const fits = sameExtent(location.extent, extentOf(output.shape)) && fitsBorder(location.buffer, border);
    if (fits && isWhole(location) && diesAt(state, location.buffer, node)) return { location, replaces: true };
  }
  return undefined;
}

function diesAt({ graph, position }: State, buffer: Buffer, node: Node): boolean {
  const now = must(position.get(node), node.id);
  const readLater = (id: TensorId) => consumersOf(graph, id).some((n) => must(position.get(n), n.id) > now);
  return !buffer.tensors.some((id) => isGraphOutput(graph, id) || readLater(id));
}

function join(state: State, id: TensorId, { location, replaces }: Shared): void {
  const tensor = tensorOf(state.graph, id);
  const { buffer } = location;
  const border = askedBorder(state, id);
  const extent = extentOf(tensor.shape);
  const value = replaces ? { zeroPoint: quantOf(tensor).zeroPoint, border } : location.value;
  value.border = widerBorder(value.border, border);
  buffer.border = widerBorder(buffer.border, border);
  if (!sameExtent(extent, buffer.extent)) buffer.flat = true;
  buffer.tensors.push(id);
  state.locations.set(id, { ...location, value, extent });
}

function sameExtent(a: Point, b: Point): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2];
}

function fitsBorder(buffer: Buffer, border: Pads): boolean {
  return !buffer.flat || !hasBorder(border);
}

function isWhole({ buffer, extent, at }: Location): boolean {
  const [h, w, c] = buffer.extent;
  const bytes = extent[0] * extent[1] * extent[2];
  return at.every((start) => start === 0) && bytes === h * w * c;
}

/** Bytes of a buffer, its border included. */
export function bufferBytes({ extent: [h, w, c], border: [top, left, bottom, right] }: Buffer): number {
  return (top + h + bottom) * (left + w + right) * c;
}

/** Where the tensor lies when its buffer starts at `base`. */
export function placementAt(tensor: TensorId, location: Location, base: number): Placement {
  const { buffer, extent, at } = location;
  const [, width, channels] = buffer.extent;
  const [top, left, , right] = buffer.border;
  if (!isWhole(location) || sameExtent(extent, buffer.extent)) {
    const rowStride = (left + width + right) * channels;
    const offset = base + (top + at[0]) * rowStride + (left + at[1]) * channels + at[2];
    // The border belongs to the concatenation, not to the slice.
    return {
      tensor,
      extent,
      offset,
      rowStride,
      pixelStride: channels,
      border: isWhole(location) ? buffer.border : noBorder,
    };
  }
  return { tensor, extent, offset: base, rowStride: extent[1] * extent[2], pixelStride: extent[2], border: noBorder };
}
