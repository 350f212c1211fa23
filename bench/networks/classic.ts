import type { SourceModel } from '../../src/onnx/model.ts';
import { type NetworkOptions, repeated } from './network.ts';
import { NetworkWriter, scaled, type Value } from './writer.ts';

/** Classifiers of ImageNet built from full convolutions. */

/** Local response normalization, grouped convolutions (Krizhevsky et al. 2012). */
export function alexNet({ width = 1, size = 227 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('alexnet');
  const conv = (x: Value, channels: number, kernel: number, rest: object = {}) =>
    n.conv(x, { channels: scaled(channels, width), kernel, norm: false, activation: 'relu', ...rest });
  const pool = (x: Value) => n.maxPool(x, { kernel: 3, stride: 2 });
  let x = conv(n.input('image', [1, 3, size, size]), 96, 11, { stride: 4, pad: 0 });
  x = conv(pool(normalized(n, x)), 256, 5, { groups: 2 });
  x = conv(pool(normalized(n, x)), 384, 3);
  x = conv(conv(x, 384, 3, { groups: 2 }), 256, 3, { groups: 2 });
  const hidden = scaled(4096, width);
  const features = n.dense(n.dense(n.flatten(pool(x)), hidden, 'relu'), hidden, 'relu');
  return n.build({ scores: n.softmax(n.dense(features, 1000)) });
}

function normalized(n: NetworkWriter, x: Value): Value {
  const attributes = { size: 5, alpha: { float: 1e-4 }, beta: { float: 0.75 }, bias: { float: 1 } };
  return n.node('LRN', [x], x.shape, attributes);
}

/** Fire modules: 1×1 and 3×3 convolutions joined (Iandola et al. 2016, version 1.1). */
export function squeezeNet({ width = 1, size = 224 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('squeezenet');
  const conv = (x: Value, channels: number, kernel: number, rest: object = {}) =>
    n.conv(x, { channels, kernel, norm: false, activation: 'relu', ...rest });
  const pool = (x: Value) => n.maxPool(x, { kernel: 3, stride: 2, ceil: true });
  const fire = (x: Value, squeeze: number, expand: number) => {
    const s = conv(x, scaled(squeeze, width), 1);
    return n.concat([conv(s, scaled(expand, width), 1), conv(s, scaled(expand, width), 3)]);
  };
  let x = pool(conv(n.input('image', [1, 3, size, size]), scaled(64, width), 3, { stride: 2, pad: 0 }));
  x = pool(fire(fire(x, 16, 64), 16, 64));
  x = pool(fire(fire(x, 32, 128), 32, 128));
  x = fire(fire(fire(fire(x, 48, 192), 48, 192), 64, 256), 64, 256);
  const scores = n.globalPool(conv(x, 1000, 1));
  return n.build({ scores: n.softmax(n.flatten(scores)) });
}

/** VGG-16 (Simonyan and Zisserman 2014). */
export function vgg16(options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter('vgg16');
  let x = n.input('image', [1, 3, size, size]);
  for (const [channels, layers] of [
    [64, 2],
    [128, 2],
    [256, 3],
    [512, 3],
    [512, 3],
  ] as const) {
    for (let i = 0; i < repeated(layers, options); i++) {
      x = n.conv(x, { channels: scaled(channels, width), kernel: 3, norm: false, activation: 'relu' });
    }
    x = n.maxPool(x, { kernel: 2, stride: 2 });
  }
  const hidden = scaled(4096, width);
  const features = n.dense(n.dense(n.flatten(x), hidden, 'relu'), hidden, 'relu');
  return n.build({ scores: n.dense(features, 1000) });
}

const resNetLayers = { 18: [2, 2, 2, 2], 50: [3, 4, 6, 3] } as const;

/** ResNet of 18 or 50 layers (He et al. 2015), the stride in the 3×3 convolution. */
export function resNet(layers: 18 | 50, options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter(`resnet${layers}`);
  const stem = n.conv(n.input('image', [1, 3, size, size]), { channels: scaled(64, width), kernel: 7, stride: 2 });
  let x = n.maxPool(stem, { kernel: 3, stride: 2, pad: 1 });
  for (const [stage, blocks] of resNetLayers[layers].entries()) {
    const channels = scaled(64 * 2 ** stage, width);
    for (let block = 0; block < repeated(blocks, options); block++) {
      x = residual(n, x, channels, stage > 0 && block === 0 ? 2 : 1, layers === 50);
    }
  }
  return n.build({ scores: n.dense(n.flatten(n.globalPool(x)), 1000) });
}

function residual(n: NetworkWriter, x: Value, channels: number, stride: number, bottleneck: boolean): Value {
  const out = bottleneck ? 4 * channels : channels;
  const last = { channels: out, activation: 'none' } as const;
  const body = bottleneck
    ? n.conv(n.conv(n.conv(x, { channels }), { channels, kernel: 3, stride }), last)
    : n.conv(n.conv(x, { channels, kernel: 3, stride }), { ...last, kernel: 3 });
  const same = x.shape[1] === out && stride === 1;
  return n.activate(n.add(body, same ? x : n.conv(x, { ...last, stride, pad: 0 })), 'relu');
}

/** DenseNet-121: BatchNormalization and ReLU in front of the convolutions, everything joined (Huang et al. 2016). */
export function denseNet121(options: NetworkOptions = {}): SourceModel {
  const { width = 1, size = 224 } = options;
  const n = new NetworkWriter('densenet121');
  const growth = scaled(32, width);
  const activated = (x: Value) => n.activate(n.batchNorm(x), 'relu');
  const stem = n.conv(n.input('image', [1, 3, size, size]), { channels: 2 * growth, kernel: 7, stride: 2 });
  let x = n.maxPool(stem, { kernel: 3, stride: 2, pad: 1 });
  const plain = { norm: false, activation: 'none' } as const;
  for (const [block, layers] of [6, 12, 24, 16].entries()) {
    for (let i = 0; i < repeated(layers, options); i++) {
      const inner = n.conv(activated(x), { channels: 4 * growth });
      x = n.concat([x, n.conv(inner, { channels: growth, kernel: 3, ...plain })]);
    }
    if (block === 3) break;
    x = n.averagePool(n.conv(activated(x), { channels: x.shape[1]! / 2, ...plain }), { kernel: 2, stride: 2 });
  }
  return n.build({ scores: n.dense(n.flatten(n.globalPool(activated(x))), 1000) });
}
