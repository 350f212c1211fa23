import type { SourceModel } from '../../src/onnx/model.ts';
import { type NetworkOptions, repeated } from './network.ts';
import { type Activation, NetworkWriter, scaled, type Value } from './writer.ts';

/** Classifiers for small processors: depthwise separable convolutions. */

/** Expansion, channels, blocks, stride of the first block, kernel. */
type Stage = readonly [number, number, number, number, number];

/** An inverted residual: expand, filter each channel, project. */
function inverted(
  n: NetworkWriter,
  x: Value,
  [factor, channels, , , kernel]: Stage,
  stride: number,
  fn: Activation,
): Value {
  const wide = factor === 1 ? x : n.conv(x, { channels: factor * x.shape[1]!, activation: fn });
  const filtered = n.depthwise(wide, { kernel, stride, activation: fn });
  const y = n.conv(filtered, { channels, activation: 'none' });
  return stride === 1 && x.shape[1] === channels ? n.add(x, y) : y;
}

function stages(
  n: NetworkWriter,
  start: Value,
  list: readonly Stage[],
  options: NetworkOptions,
  fn: Activation,
): Value {
  const { width = 1 } = options;
  let x = start;
  for (const [factor, channels, blocks, first, kernel] of list) {
    const stage: Stage = [factor, scaled(channels, width), blocks, first, kernel];
    for (let i = 0; i < repeated(blocks, options); i++) x = inverted(n, x, stage, i === 0 ? first : 1, fn);
  }
  return x;
}

/** MobileNetV2 (Sandler et al. 2018). */
export function mobileNetV2(options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter('mobilenet_v2');
  const stem = { channels: scaled(32, width), kernel: 3, stride: 2, activation: 'relu6' } as const;
  const list: readonly Stage[] = [
    ...([
      [1, 16, 1, 1, 3],
      [6, 24, 2, 2, 3],
      [6, 32, 3, 2, 3],
      [6, 64, 4, 2, 3],
    ] as const),
    ...([
      [6, 96, 3, 1, 3],
      [6, 160, 3, 2, 3],
      [6, 320, 1, 1, 3],
    ] as const),
  ];
  const x = stages(n, n.conv(n.input('image', [1, 3, size, size]), stem), list, options, 'relu6');
  const features = n.conv(x, { channels: scaled(1280, Math.max(1, width)), activation: 'relu6' });
  return n.build({ scores: n.dense(n.flatten(n.globalPool(features)), 1000) });
}

/** EfficientNet-Lite0: no squeeze-and-excite, ReLU6 (Liu 2020). */
export function efficientNetLite0(options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter('efficientnet_lite0');
  const stem = { channels: scaled(32, width), kernel: 3, stride: 2, activation: 'relu6' } as const;
  const list: readonly Stage[] = [
    ...([
      [1, 16, 1, 1, 3],
      [6, 24, 2, 2, 3],
      [6, 40, 2, 2, 5],
      [6, 80, 3, 2, 3],
    ] as const),
    ...([
      [6, 112, 3, 1, 5],
      [6, 192, 4, 2, 5],
      [6, 320, 1, 1, 3],
    ] as const),
  ];
  const x = stages(n, n.conv(n.input('image', [1, 3, size, size]), stem), list, options, 'relu6');
  const features = n.conv(x, { channels: scaled(1280, Math.max(1, width)), activation: 'relu6' });
  return n.build({ scores: n.dense(n.flatten(n.globalPool(features)), 1000) });
}

/** A stage of MobileNetV3's and EfficientNet's kind: hard-swish, and each channel weighted by what the whole plane holds. */
export function squeezeExcite({ width = 1, size = 96 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('squeeze_excite');
  const fn = 'hardSwish' as const;
  let x = n.conv(n.input('image', [1, 3, size, size]), {
    channels: scaled(16, width),
    kernel: 3,
    stride: 2,
    activation: fn,
  });
  for (const [channels, stride] of [
    [24, 2],
    [40, 2],
    [40, 1],
    [80, 2],
  ] as const) {
    const wide = n.conv(x, { channels: 4 * x.shape[1]!, activation: fn });
    const filtered = n.depthwise(wide, { kernel: 5, stride, activation: fn });
    const squeezed = n.conv(n.globalPool(filtered), {
      channels: scaled(channels, width),
      norm: false,
      activation: 'relu',
    });
    const excited = n.conv(squeezed, { channels: filtered.shape[1]!, norm: false });
    const gate = n.node('HardSigmoid', [excited], excited.shape, { alpha: { float: 1 / 6 } });
    const gated = n.node('Mul', [filtered, gate], filtered.shape);
    const y = n.conv(gated, { channels: scaled(channels, width), activation: 'none' });
    x = stride === 1 && x.shape[1] === y.shape[1] ? n.add(x, y) : y;
  }
  return n.build({ scores: n.dense(n.flatten(n.globalPool(x)), 100) });
}

/** ShuffleNet of 3 groups: grouped 1×1 convolutions, channels shuffled by Reshape and Transpose (Zhang et al. 2017). */
export function shuffleNet(options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter('shufflenet');
  const groups = 3;
  const stem = n.conv(n.input('image', [1, 3, size, size]), { channels: 24, kernel: 3, stride: 2 });
  let x = n.maxPool(stem, { kernel: 3, stride: 2, pad: 1 });
  for (const [stage, blocks] of [4, 8, 4].entries()) {
    const channels = 24 * Math.max(2, Math.round(10 * width)) * 2 ** stage;
    for (let i = 0; i < repeated(blocks, options); i++)
      x = shuffleUnit(n, x, channels, groups, i === 0 ? 2 : 1, stage === 0 && i === 0);
  }
  return n.build({ scores: n.dense(n.flatten(n.globalPool(x)), 1000) });
}

function shuffleUnit(
  n: NetworkWriter,
  x: Value,
  channels: number,
  groups: number,
  stride: number,
  first: boolean,
): Value {
  const own = stride === 2 ? channels - x.shape[1]! : channels;
  const inner = n.conv(x, { channels: channels / 4, groups: first ? 1 : groups });
  const filtered = n.depthwise(shuffled(n, inner, groups), { kernel: 3, stride, activation: 'none' });
  const y = n.conv(filtered, { channels: own, groups, activation: 'none' });
  const skip = stride === 2 ? n.averagePool(x, { kernel: 3, stride: 2, pad: 1 }) : x;
  return n.activate(stride === 2 ? n.concat([skip, y]) : n.add(skip, y), 'relu');
}

function shuffled(n: NetworkWriter, x: Value, groups: number): Value {
  const [batch, c, h, w] = x.shape as [number, number, number, number];
  const split = n.reshape(x, [batch, groups, c / groups, h, w]);
  return n.reshape(n.transpose(split, [0, 2, 1, 3, 4]), [batch, c, h, w]);
}
