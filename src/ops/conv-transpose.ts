import { formatShape } from '../graph/shape.ts';
import type { Pads, Pair, QuantParams, Tensor, TensorId } from '../graph/types.ts';
import { emitChannelsFirst, emitChannelsLast } from './layout.ts';
import { emitSlice } from './slice.ts';
import type { Constant, Importer } from './source.ts';
import { spatialOf } from './window.ts';

/**
 * A transposed convolution of stride s computes, at each of the s positions between two input pixels, an ordinary
 * convolution with every s-th tap. All of them together are one convolution with s² times the channels, whose results are
 * then put side by side: what accumulators, proofs and kernels know already.
 */

/** One axis. Output `s·i + r` of the full result is Σ_j w[r + s·j] · x[i − j], j below `taps`. */
interface Axis {
  readonly stride: number;
  readonly dilation: number;
  readonly kernel: number;
  /** ⌈((kernel − 1)·dilation + 1) / stride⌉ */
  readonly taps: number;
  /** Padding of the convolution. */
  readonly before: number;
  readonly after: number;
  /** The part of the rows of results that is the output. */
  readonly start: number;
  readonly size: number;
}

/** ONNX ConvTranspose, 1-D and 2-D. */
export function parseConvTranspose(im: Importer): void {
  const x = im.input(0);
  const w = im.constant(1);
  const spatial = spatialOf(im, x);
  const groups = im.node.attributes.int('group', 1);
  const [inputs, perGroup, ...kernel] = w.shape as [number, number, ...number[]];
  if (inputs !== x.shape[1] || inputs % groups !== 0 || kernel.length !== spatial.length) {
    throw im.invalid(
      `weights of ${formatShape(w.shape)} in ${groups} group(s) do not fit an input of ${formatShape(x.shape)}`,
    );
  }
  const own = axesOf(im, spatial, kernel);
  const axes = (own.length === 1 ? [single, own[0]!] : own) as [Axis, Axis];
  const [rows, columns] = axes;
  const phases = rows.stride * columns.stride;
  // Channels of a group must be neighbours: then they come before the positions, else behind.
  const places: Places = { channels: groups * perGroup, phases, phasesFirst: groups === 1 };
  const parameters = [weightsOf(im, w, groups, axes, places), biasOf(im, places)];
  const pads: Pads = [rows.before, columns.before, rows.after, columns.after];
  const op = { kind: 'conv2d', strides: [1, 1], pads, dilations: [1, 1], groups } as const;
  const y = im.emit(op, [emitChannelsLast(im, x).id, ...parameters]);
  const full = interleave(im, y, [rows.stride, columns.stride], places);
  const ranges = axes.map(({ start, size }, i) => ({ axis: i + 1, start, step: 1, size }));
  im.bind(emitChannelsFirst(im, emitSlice(im, full, ranges), spatial.length));
}

const single: Axis = { stride: 1, dilation: 1, kernel: 1, taps: 1, before: 0, after: 0, start: 0, size: 1 };

/** Where the result of output channel o at position p is among the convolution's channels. */
interface Places {
  readonly channels: number;
  readonly phases: number;
  readonly phasesFirst: boolean;
}

function placeOf({ channels, phases, phasesFirst }: Places, channel: number, phase: number): number {
  return phasesFirst ? phase * channels + channel : channel * phases + phase;
}

function axesOf(im: Importer, spatial: readonly number[], kernel: readonly number[]): Axis[] {
  const { attributes } = im.node;
  const rank = spatial.length;
  const ones = spatial.map(() => 1);
  const zeros = spatial.map(() => 0);
  const strides = attributes.ints('strides', ones);
  const dilations = attributes.ints('dilations', ones);
  const extra = attributes.ints('output_padding', zeros);
  const shape = attributes.has('kernel_shape') ? attributes.ints('kernel_shape') : kernel;
  if (shape.some((k, i) => k !== kernel[i])) throw im.invalid(`kernel_shape does not fit a kernel of ${kernel}`);
  for (const [name, values] of Object.entries({ strides, dilations, output_padding: extra })) {
    if (values.length !== rank || values.some((v) => v < (name === 'output_padding' ? 0 : 1))) {
      throw im.invalid(`${name} ${values.join('×')} does not fit ${rank} spatial dimension(s)`);
    }
  }
  const autoPad = attributes.string('auto_pad', 'NOTSET');
  const given = autoPad === 'NOTSET' ? attributes.ints('pads', [...zeros, ...zeros]) : [...zeros, ...zeros];
  const wanted = attributes.has('output_shape') ? attributes.ints('output_shape').slice(-rank) : undefined;
  return spatial.map((extent, i) => {
    const [stride, dilation] = [strides[i]!, dilations[i]!];
    const reach = (kernel[i]! - 1) * dilation + 1;
    const full = stride * (extent - 1) + extra[i]! + reach;
    const size =
      wanted?.[i] ??
      (autoPad.startsWith('SAME') ? Math.min(full, extent * stride) : full - given[i]! - given[rank + i]!);
    const total = full - size;
    // What is less than a stride beyond is output_padding by another name.
    if (total <= -stride) throw im.invalid(`its output_shape exceeds the ${full} that it computes`);
    const distributed = wanted !== undefined || autoPad.startsWith('SAME');
    const half = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2);
    const begin = distributed ? Math.max(0, half) : given[i]!;
    if (begin < 0) throw im.refuse('negative pads', 'Pad its result instead.');
    if (size < 1) throw im.invalid('its pads leave nothing of the output');
    return axisOf(extent, { stride, dilation, kernel: kernel[i]!, reach, begin, size });
  });
}

interface Geometry {
  readonly stride: number;
  readonly dilation: number;
  readonly kernel: number;
  readonly reach: number;
  /** Outputs of the full result that are left out at the start. */
  readonly begin: number;
  readonly size: number;
}

/** Computes only the rows of results that reach into the output, but for those that negative pads would spare. */
function axisOf(extent: number, { stride, dilation, kernel, reach, begin, size }: Geometry): Axis {
  const taps = Math.ceil(reach / stride);
  const first = Math.min(Math.floor(begin / stride), taps - 1);
  const before = taps - 1 - first;
  const count = Math.floor((begin + size - 1) / stride) - first + 1;
  const after = Math.max(0, count - extent - before + taps - 1);
  return { stride, dilation, kernel, taps, before, after, start: begin - stride * first, size };
}

/** C×(O/g)×kh×kw to (O·s²)×taps×taps×(C/g): tap t of position r is w[r + s·(taps − 1 − t)], or 0 where there is none. */
function weightsOf(im: Importer, w: Constant, groups: number, axes: readonly [Axis, Axis], places: Places): TensorId {
  const [rows, columns] = axes;
  const [inputs, perGroup] = w.shape as [number, number];
  const depth = inputs / groups;
  const shape = [places.channels * places.phases, rows.taps, columns.taps, depth];
  const data = new Float32Array(shape.reduce((product, d) => product * d, 1));
  const tapOf = (axis: Axis, position: number, t: number): number | undefined => {
    const at = position + axis.stride * (axis.taps - 1 - t);
    return at % axis.dilation === 0 && at / axis.dilation < axis.kernel ? at / axis.dilation : undefined;
  };
  let to = 0;
  const order = channelOrder(places);
  for (const { channel, phase } of order) {
    const [y, x] = [Math.floor(phase / columns.stride), phase % columns.stride];
    const first = Math.floor(channel / perGroup) * depth;
    for (let t = 0; t < rows.taps; t++) {
      for (let u = 0; u < columns.taps; u++) {
        const [ky, kx] = [tapOf(rows, y, t), tapOf(columns, x, u)];
        for (let c = 0; c < depth; c++, to++) {
          if (ky === undefined || kx === undefined) continue;
          const at = ((first + c) * perGroup + (channel % perGroup)) * rows.kernel + ky;
          data[to] = w.data[at * columns.kernel + kx]!;
        }
      }
    }
  }
  // Scales along the channels of a group (axis 1) are the only ones that are scales of output channels.
  const axis = w.quant?.axis;
  const quant = axis === undefined ? w.quant : axis === 1 ? spreadQuant(w.quant!, order, perGroup) : undefined;
  return im.addConstant(`${im.node.name}.weight`, shape, data, quant);
}

function biasOf(im: Importer, places: Places): TensorId {
  const name = `${im.node.name}.bias`;
  const order = channelOrder(places);
  if (!im.has(2)) return im.addConstant(name, [order.length], new Float32Array(order.length));
  const bias = im.constant(2);
  if (bias.data.length !== places.channels) {
    throw im.invalid(`a bias of ${formatShape(bias.shape)} for ${places.channels} channels`);
  }
  const data = Float32Array.from(order, ({ channel }) => bias.data[channel]!);
  const quant = bias.quant?.axis === undefined ? bias.quant : spreadQuant(bias.quant, order, places.channels);
  return im.addConstant(name, [order.length], data, quant);
}

/** What each channel of the convolution is, in order. */
function channelOrder(places: Places): { readonly channel: number; readonly phase: number }[] {
  const order: { channel: number; phase: number }[] = [];
  for (let channel = 0; channel < places.channels; channel++) {
    for (let phase = 0; phase < places.phases; phase++) order[placeOf(places, channel, phase)] = { channel, phase };
  }
  return order;
}

function spreadQuant(quant: QuantParams, order: readonly { readonly channel: number }[], scales: number): QuantParams {
  return { ...quant, scale: order.map(({ channel }) => quant.scale[channel % scales]!), axis: 0 };
}

/** Puts the results at the positions between two pixels side by side. */
function interleave(im: Importer, y: Tensor, [rows, columns]: Pair, { channels, phasesFirst }: Places): Tensor {
  const [n, h, w] = y.shape as [number, number, number];
  if (rows === columns) {
    const mode = phasesFirst ? 'DCR' : 'CRD';
    return rows === 1 ? y : im.emit({ kind: 'depthToSpace', block: rows, mode }, [y.id]);
  }
  const parts = phasesFirst ? [rows, columns, channels] : [channels, rows, columns];
  const split = im.emit({ kind: 'reshape', shape: [n, h, w, ...parts] }, [y.id]);
  const perm = phasesFirst ? [0, 1, 3, 2, 4, 5] : [0, 1, 4, 2, 5, 3];
  const placed = im.emit({ kind: 'transpose', perm }, [split.id]);
  return im.emit({ kind: 'reshape', shape: [n, h * rows, w * columns, channels] }, [placed.id]);
}
