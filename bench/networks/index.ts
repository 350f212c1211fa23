import { alexNet, denseNet121, resNet, squeezeNet, vgg16 } from './classic.ts';
import { detector, superResolution, uNet } from './dense-outputs.ts';
import { autoencoder, dsCnn, mobileNetV1, resnet8 } from './mlperf-tiny.ts';
import { efficientNetLite0, mobileNetV2, shuffleNet, squeezeExcite } from './mobile.ts';
import type { Network } from './network.ts';
import { tcResNet8, twoInputs } from './sequence.ts';

/** The networks that neonarrow is tried on; `small` versions in the tests. */
export const networks: readonly Network[] = [
  { name: 'ResNet-8', source: 'MLPerf Tiny', build: resnet8, small: { width: 0.5, size: 16 } },
  { name: 'DS-CNN', source: 'MLPerf Tiny', build: dsCnn, small: { width: 0.25 } },
  {
    name: 'MobileNetV1-0.25',
    source: 'MLPerf Tiny',
    build: mobileNetV1,
    small: { width: 0.125, size: 32, depth: 0.2 },
  },
  { name: 'autoencoder', source: 'MLPerf Tiny', build: autoencoder, small: { width: 0.25 } },
  {
    name: 'MobileNetV2',
    source: 'Sandler et al. 2018',
    build: mobileNetV2,
    small: { width: 0.125, size: 32, depth: 0.1 },
  },
  { name: 'AlexNet', source: 'Krizhevsky et al. 2012', build: alexNet, small: { width: 1 / 32, size: 67 } },
  { name: 'SqueezeNet', source: 'Iandola et al. 2016', build: squeezeNet, small: { width: 0.25, size: 35 } },
  {
    name: 'VGG-16',
    source: 'Simonyan and Zisserman 2014',
    build: vgg16,
    small: { width: 1 / 16, size: 32, depth: 0.34 },
  },
  {
    name: 'ResNet-18',
    source: 'He et al. 2015',
    build: (o) => resNet(18, o),
    small: { width: 0.125, size: 32, depth: 0.1 },
  },
  {
    name: 'ResNet-50',
    source: 'He et al. 2015',
    build: (o) => resNet(50, o),
    small: { width: 0.125, size: 32, depth: 0.34 },
  },
  {
    name: 'DenseNet-121',
    source: 'Huang et al. 2016',
    build: denseNet121,
    small: { width: 0.25, size: 32, depth: 0.1 },
  },
  { name: 'ShuffleNet', source: 'Zhang et al. 2017', build: shuffleNet, small: { width: 0.2, size: 32, depth: 0.3 } },
  {
    name: 'EfficientNet-Lite0',
    source: 'Liu 2020',
    build: efficientNetLite0,
    small: { width: 0.25, size: 32, depth: 0.1 },
  },
  { name: 'squeeze and excite', source: 'Hu et al. 2017', build: squeezeExcite, small: { width: 0.5, size: 32 } },
  { name: 'detector', source: "YOLO's kind", build: detector, small: { width: 0.25, size: 32 } },
  { name: 'super-resolution', source: 'Shi et al. 2016', build: superResolution, small: { width: 0.25, size: 12 } },
  { name: 'U-Net', source: 'Ronneberger et al. 2015', build: uNet, small: { width: 0.5, size: 16 } },
  { name: 'TC-ResNet8', source: 'Choi et al. 2019', build: tcResNet8, small: { width: 0.5, size: 32 } },
  { name: 'two inputs', source: 'channels last, two outputs', build: twoInputs, small: { width: 0.5, size: 16 } },
];
