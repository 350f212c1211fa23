import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { functionName, layerWord, modelPrefix } from '../../src/emit/names.ts';

describe('modelPrefix', () => {
  it.each([
    ['digits', 'digits'],
    ['all-cnn-c', 'all_cnn_c'],
    ['ResNet8 (CIFAR-10)', 'resnet8_cifar_10'],
    ['__main__', 'main'],
    ['2layer', 'm2layer'],
    ['café', 'cafe'],
    ['int', 'int'],
    ['signal', 'signal_model'],
    ['String', 'string_model'],
  ])('of %s is %s', (name, prefix) => {
    expect(modelPrefix(name)).toBe(prefix);
  });

  it.each(['', '网络', '42', '--'])('rejects "%s"', (name) => {
    expect(() => modelPrefix(name)).toThrow(
      expect.objectContaining({
        kind: 'reject',
        code: 'bad-model-name',
        message: `no C name can be made from "${name}"`,
      }),
    );
  });

  it('is an identifier that no standard reserves', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        fc.pre(/[A-Za-z]/.test(name));
        expect(modelPrefix(name)).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      }),
    );
  });
});

describe('functionName', () => {
  it('has the number of the step, in as many digits as the last', () => {
    expect(functionName('net', 3, 12, '/conv1/Conv')).toBe('net_03_conv1_Conv');
    expect(functionName('net', 3, 10, 'conv1')).toBe('net_3_conv1');
    expect(functionName('net', 0, 1, '!?')).toBe('net_0');
  });

  it('is no layer of a model whose name is shorter by a number', () => {
    expect(functionName('net', 3, 10, '4/Conv')).toBe('net_3_4_Conv');
    expect(functionName('net_3', 4, 10, 'Conv')).toBe('net_3_s4_Conv');
  });

  it('keeps whole words of the end of a long name', () => {
    expect(layerWord('model/features/block_13/expand/depthwise/BatchNormalization/FusedConv2D')).toBe(
      'depthwise_BatchNormalization_FusedConv2D',
    );
    expect(layerWord('model/features/block_13/expand/BatchNormalization_and_FusedConv2D')).toBe(
      'BatchNormalization_and_FusedConv2D',
    );
    expect(layerWord('x'.repeat(60))).toBe('x'.repeat(40));
  });

  it('takes the first of names that a converter joined', () => {
    expect(layerWord('net/conv2d/Relu;net/conv2d/BiasAdd;net/conv2d_2/Conv2D')).toBe('net_conv2d_Relu');
  });
});
