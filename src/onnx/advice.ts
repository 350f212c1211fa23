import type { ModelNode } from './model.ts';

/** What to do instead of an operator that is not taken. */
export function adviceFor({ opType, domain }: Pick<ModelNode, 'opType' | 'domain'>): string {
  if (domain === 'com.microsoft' && opType.startsWith('QLinear')) {
    return 'export the model in QDQ form (quant_format=QuantFormat.QDQ), where the operator is a float one';
  }
  if (domain !== '') return `operators of domain ${domain} are not read; export standard ONNX operators`;
  return advice.get(opType) ?? 'replace it by supported operators, or end the model before it';
}

const byAdvice: Readonly<Record<string, readonly string[]>> = {
  'its scale is only known at run time; quantize statically (onnxruntime.quantization.quantize_static)': [
    'DynamicQuantizeLinear',
  ],
  'it belongs to dynamic quantization; quantize statically (onnxruntime.quantization.quantize_static)': [
    'ConvInteger',
    'MatMulInteger',
  ],
  'export the model without control flow': ['If', 'Loop', 'Scan'],
  'recurrent layers are not supported; use convolutions over time': ['LSTM', 'GRU', 'RNN'],
  'its mean and variance are only known at run time; train with BatchNormalization': [
    'GroupNormalization',
    'InstanceNormalization',
    'LayerNormalization',
    'LpNormalization',
    'MeanVarianceNormalization',
  ],
  'end the model at the scores and take the largest in the application': ['Hardmax', 'TopK'],
  'end the model before it and select boxes in the application': ['NonMaxSuppression', 'RoiAlign', 'MaxRoiPool'],
  'the size of its output depends on the data; end the model before it': ['Compress', 'NonZero', 'Unique'],
  'compute features in the application and let the network begin behind them': [
    'BlackmanWindow',
    'DFT',
    'HammingWindow',
    'HannWindow',
    'ImageDecoder',
    'MelWeightMatrix',
    'STFT',
    'StringConcat',
    'StringNormalizer',
    'StringSplit',
    'RegexFullMatch',
    'TfIdfVectorizer',
  ],
  'it holds no tensor; export the model without sequences and optional values': [
    'ConcatFromSequence',
    'Optional',
    'OptionalGetElement',
    'OptionalHasElement',
    'ReverseSequence',
    'SequenceAt',
    'SequenceConstruct',
    'SequenceEmpty',
    'SequenceErase',
    'SequenceInsert',
    'SequenceLength',
    'SequenceMap',
    'SplitToSequence',
  ],
  'its result differs from run to run; export the model for inference, without it': [
    'Bernoulli',
    'Multinomial',
    'RandomNormal',
    'RandomNormalLike',
    'RandomUniform',
    'RandomUniformLike',
  ],
  'it belongs to training; export the model for inference': ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'],
  'indices that are computed at run time are not supported; with constant ones use Slice, Split or Concat': [
    'GatherElements',
    'GatherND',
    'OneHot',
    'Scatter',
    'ScatterElements',
    'ScatterND',
  ],
};

const advice: ReadonlyMap<string, string> = new Map(
  Object.entries(byAdvice).flatMap(([text, operators]) => operators.map((name) => [name, text] as const)),
);
