import type { SourceModel } from '../../src/onnx/model.ts';
import { type NetworkOptions, repeated } from './network.ts';
import { NetworkWriter, scaled, type Value } from './writer.ts';

/** The four networks of MLPerf Tiny (Banbury et al. 2021), as their reference models are built. */

/** Image classification, CIFAR-10. */
export function resnet8({ width = 1, size = 32 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('resnet8');
  let x = n.conv(n.input('image', [1, 3, size, size]), { channels: scaled(16, width), kernel: 3 });
  for (const [stack, channels] of [16, 32, 64].entries()) {
    const out = scaled(channels, width);
    const stride = stack === 0 ? 1 : 2;
    const body = n.conv(n.conv(x, { channels: out, kernel: 3, stride }), {
      ...{ channels: out, kernel: 3, activation: 'none' },
    });
    const skip = stack === 0 ? x : n.conv(x, { channels: out, stride, pad: 0, norm: false });
    x = n.activate(n.add(skip, body), 'relu');
  }
  return n.build({ scores: n.softmax(n.dense(n.flatten(n.globalPool(x)), 10)) });
}

/** Keyword spotting: depthwise separable convolutions over 49 frames of 10 coefficients. */
export function dsCnn({ width = 1 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('ds_cnn');
  const channels = scaled(64, width);
  const frames = n.reshape(n.input('features', [1, 490]), [1, 1, 49, 10]);
  let x = n.conv(padded(n, frames, [4, 1, 5, 1]), { channels, kernel: [10, 4], stride: 2, pad: 0 });
  for (let i = 0; i < 4; i++) x = n.conv(n.depthwise(x, { kernel: 3 }), { channels });
  const pooled = n.globalPool(x);
  return n.build({ scores: n.softmax(n.dense(n.flatten(pooled), 12)) });
}

function padded(
  n: NetworkWriter,
  x: Value,
  [top, left, bottom, right]: readonly [number, number, number, number],
): Value {
  const [batch, c, h, w] = x.shape as [number, number, number, number];
  const pads = n.ints('pads', 0, 0, top, left, 0, 0, bottom, right);
  return n.node('Pad', [x, pads], [batch, c, h + top + bottom, w + left + right], { mode: 'constant' });
}

/** Visual wake words: MobileNetV1 with a quarter of the channels, 96×96 pixels. */
export function mobileNetV1(options: NetworkOptions = {}): SourceModel {
  const { width = 0.25, size = 96 } = options;
  const n = new NetworkWriter('mobilenet_v1');
  let x = n.conv(n.input('image', [1, 3, size, size]), { channels: scaled(32, width), kernel: 3, stride: 2 });
  const blocks = [
    [64, 1],
    [128, 2],
    [128, 1],
    [256, 2],
    [256, 1],
    [512, 2],
  ] as const;
  const all = [
    ...blocks,
    ...Array.from({ length: repeated(5, options) }, () => [512, 1] as const),
    [1024, 2],
    [1024, 1],
  ] as const;
  for (const [channels, stride] of all) {
    x = n.conv(n.depthwise(x, { kernel: 3, stride }), { channels: scaled(channels, width) });
  }
  return n.build({ scores: n.softmax(n.dense(n.flatten(n.globalPool(x)), 2)) });
}

/** Anomaly detection: ten fully connected layers, BatchNormalization between them. */
export function autoencoder({ width = 1 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('autoencoder');
  const inputs = 640;
  let x = n.input('frames', [1, inputs]);
  for (const channels of [128, 128, 128, 128, 8, 128, 128, 128, 128]) {
    x = n.activate(n.batchNorm(n.dense(x, channels === 8 ? 8 : scaled(channels, width))), 'relu');
  }
  return n.build({ reconstruction: n.dense(x, inputs) });
}
