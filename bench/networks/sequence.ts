import type { SourceModel } from '../../src/onnx/model.ts';
import type { NetworkOptions } from './network.ts';
import { NetworkWriter, scaled, type Value } from './writer.ts';

/** Networks over time, and one with two inputs. */

/** Keyword spotting over 40 coefficients, 1-D convolutions with residuals (TC-ResNet8, Choi et al. 2019). */
export function tcResNet8({ width = 1, size = 98 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('tc_resnet8');
  let x = n.conv(n.input('coefficients', [1, 40, size]), { channels: scaled(16, width), kernel: 3 });
  for (const count of [24, 32, 48]) {
    const channels = scaled(count, width);
    const last = { channels, activation: 'none' } as const;
    const body = n.conv(n.conv(x, { channels, kernel: 9, stride: 2 }), { ...last, kernel: 9 });
    x = n.activate(n.add(body, n.conv(x, { ...last, stride: 2, pad: 0 })), 'relu');
  }
  return n.build({ scores: n.softmax(n.dense(n.flatten(n.globalPool(x)), 12)) });
}

/** An image and what other sensors say about it, joined late; two outputs. The image is channels last, as TensorFlow has it. */
export function twoInputs({ width = 1, size = 32 }: NetworkOptions = {}): SourceModel {
  const n = new NetworkWriter('two_inputs');
  const image = n.transpose(n.input('image', [1, size, size, 3]), [0, 3, 1, 2]);
  const conv = (x: Value, channels: number) => n.conv(x, { channels: scaled(channels, width), kernel: 3, stride: 2 });
  const seen = n.flatten(n.globalPool(conv(conv(image, 16), 32)));
  const sensed = n.dense(n.input('sensors', [1, 12]), scaled(16, width), 'relu');
  const joined = n.dense(n.concat([seen, sensed]), scaled(32, width), 'relu');
  return n.build({ classes: n.softmax(n.dense(joined, 6)), position: n.dense(joined, 2) });
}
