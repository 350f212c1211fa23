import type { SourceModel } from '../../src/onnx/model.ts';
import type { NetworkOptions } from './network.ts';
import { NetworkWriter, scaled, type Value } from './writer.ts';

/** Networks whose outputs are images or boxes. */

function upsampled(n: NetworkWriter, x: Value, attributes: Readonly<Record<string, string>>): Value {
  const [batch, c, h, w] = x.shape as [number, number, number, number];
  const scales = n.constant('scales', [4], Float32Array.of(1, 1, 2, 2));
  return n.node('Resize', [x, '', scales], [batch, c, 2 * h, 2 * w], attributes);
}

const nearest = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
const linear = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };

/**
 * A detector of YOLO's kind: blocks that split their channels, a pyramid with upsampling, pooling over three sizes, and at
 * each of two scales boxes and classes. The first layer takes the pixels in four phases (Slice), as YOLOv5's Focus did.
 */
export function detector({ width = 1, size = 320 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('detector');
  const conv = (x: Value, channels: number, kernel = 1, stride = 1) =>
    n.conv(x, { channels, kernel, stride, activation: 'leakyRelu' });
  const block = (x: Value, channels: number) => {
    const half = channels / 2;
    const [batch, , h, w] = x.shape as [number, number, number, number];
    const both = conv(x, channels);
    const parts = n.nodes(
      'Split',
      [both, n.ints('split', half, half)],
      [
        [batch, half, h, w],
        [batch, half, h, w],
      ],
      { axis: 1 },
    );
    const inner = conv(conv(parts[1]!, half, 3), half, 3);
    return conv(n.concat([...parts, n.add(parts[1]!, inner)]), channels);
  };
  const c = (channels: number) => scaled(channels, width);
  let x = conv(focus(n, n.input('image', [1, 3, size, size])), c(32), 3);
  x = block(conv(x, c(64), 3, 2), c(64));
  const p3 = block(conv(x, c(128), 3, 2), c(128));
  const deep = block(conv(p3, c(256), 3, 2), c(256));
  const pooled = [3, 5, 9].map((kernel) => n.maxPool(deep, { kernel, stride: 1, pad: (kernel - 1) / 2 }));
  const p4 = conv(n.concat([deep, ...pooled]), c(256));
  const up = block(n.concat([upsampled(n, conv(p4, c(128)), nearest), p3]), c(128));
  const down = block(n.concat([conv(up, c(128), 3, 2), p4]), c(256));
  return n.build({ ...heads(n, up, 'fine'), ...heads(n, down, 'coarse') });
}

function focus(n: NetworkWriter, x: Value): Value {
  const [batch, c, h, w] = x.shape as [number, number, number, number];
  const phases = [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map(([row, column]) => {
    const inputs = [n.ints('starts', row!, column!), n.ints('ends', h, w), n.ints('axes', 2, 3), n.ints('steps', 2, 2)];
    return n.node('Slice', [x, ...inputs], [batch, c, h / 2, w / 2]);
  });
  return n.concat(phases);
}

function heads(n: NetworkWriter, x: Value, scale: string): Record<string, Value> {
  const out = (channels: number) => n.conv(x, { channels, norm: false });
  return { [`${scale}_boxes`]: out(16), [`${scale}_classes`]: n.sigmoid(out(24)) };
}

/** Super-resolution, twice the size: one path by DepthToSpace (Shi et al. 2016), one by ConvTranspose, one by interpolation. */
export function superResolution({ width = 1, size = 64 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('super_resolution');
  const c = scaled(32, width);
  const image = n.input('image', [1, 3, size, size]);
  const options = { kernel: 3, norm: false, activation: 'relu' } as const;
  const features = n.conv(n.conv(image, { ...options, channels: c, kernel: 5 }), { ...options, channels: c });
  const packed = n.conv(features, { channels: 12, kernel: 3, norm: false });
  const shuffled = n.node('DepthToSpace', [packed], [1, 3, 2 * size, 2 * size], { blocksize: 2, mode: 'CRD' });
  const weight = n.weights('weight', [c, 3, 4, 4], Math.sqrt(2 / (16 * c)));
  const attributes = { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] };
  const bias = n.weights('bias', [3], 0.1);
  const transposed = n.node('ConvTranspose', [features, weight, bias], shuffled.shape, attributes);
  return n.build({ result: n.add(n.add(shuffled, transposed), upsampled(n, image, linear)) });
}

/** Segmentation: an encoder and a decoder with skips, mask per pixel (U-Net, Ronneberger et al. 2015). */
export function uNet({ width = 1, size = 128 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('u_net');
  const twice = (x: Value, channels: number) => n.conv(n.conv(x, { channels, kernel: 3 }), { channels, kernel: 3 });
  const channels = [16, 32, 64].map((count) => scaled(count, width));
  const skips: Value[] = [];
  let x = n.input('image', [1, 3, size, size]);
  for (const count of channels) {
    skips.push(twice(x, count));
    x = n.maxPool(skips.at(-1)!, { kernel: 2, stride: 2 });
  }
  x = twice(x, scaled(128, width));
  for (const skip of skips.toReversed()) {
    x = twice(n.concat([skip, upsampled(n, x, linear)]), skip.shape[1]!);
  }
  return n.build({ mask: n.sigmoid(n.conv(x, { channels: 1, norm: false })) });
}
