import { unsupported } from '../core/diagnostics.ts';
import { parsers } from '../ops/index.ts';
import type { ModelNode, SourceModel } from './model.ts';
import { isQLinear } from './qlinear.ts';
import { isQonnx } from './qonnx.ts';

/** Opsets whose operators the parsers know. */
const [oldestOpset, newestOpset] = [7, 21];

/** Results differ from run to run, so they are no constants even without inputs. */
const random = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/** Values that are known when the model is imported: initializers, and everything computed from them and from shapes. */
export function constantValues(model: SourceModel): ReadonlySet<string> {
  const known = new Set(['', ...model.initializers.keys()]);
  for (const n of model.nodes) if (isFoldable(n, known)) for (const name of n.outputs) known.add(name);
  return known;
}

function isFoldable(node: ModelNode, known: ReadonlySet<string>): boolean {
  if (node.domain !== '' && node.domain !== 'com.microsoft' && !isQonnx(node)) return false;
  if (random.has(node.opType) || [...node.attributes.values()].some((a) => a.type === 'other')) return false;
  return readsShapeOnly(node) || node.inputs.every((name) => known.has(name));
}

/** Shape and Size are known as soon as their input's shape is: always, here. */
export function readsShapeOnly(node: ModelNode): boolean {
  return node.domain === '' && (node.opType === 'Shape' || node.opType === 'Size');
}

/** The nodes that some output of the model needs. */
export function withoutDeadNodes(model: SourceModel): SourceModel {
  const needed = new Set(model.outputs.map((o) => o.name));
  const live = model.nodes.toReversed().filter((n) => {
    if (!n.outputs.some((name) => needed.has(name))) return false;
    for (const name of n.inputs) needed.add(name);
    return true;
  });
  return { ...model, nodes: live.toReversed() };
}

/** @throws unsupported `unsupported-opset` */
export function checkOpset(model: SourceModel): void {
  const opset = model.opsets.get('') ?? 0;
  if (opset >= oldestOpset && opset <= newestOpset) return;
  throw unsupported({
    code: 'unsupported-opset',
    message: `the model uses opset ${opset}; neonarrow reads ${oldestOpset} to ${newestOpset}`,
    hint: `Export it for opset 17, or convert it with onnx.version_converter.`,
  });
}

/** The nodes that have no parser and are not folded, each with what to do about it. */
export function unsupportedOperators(
  model: SourceModel,
  constants: ReadonlySet<string>,
): ReadonlyMap<ModelNode, string> {
  const unknown = model.nodes.filter((n) => !isSupported(n) && !n.outputs.every((name) => constants.has(name)));
  return new Map(unknown.map((n) => [n, adviceFor(n)]));
}

const quantizers = new Set(['QuantizeLinear', 'DequantizeLinear']);

function isSupported(node: ModelNode): boolean {
  if (isQLinear(node) || isQonnx(node)) return true;
  if (node.domain === 'com.microsoft') return quantizers.has(node.opType);
  return node.domain === '' && (parsers.has(node.opType) || quantizers.has(node.opType));
}

/** `"lstm_1" LSTM`, with the domain where it is not the default. */
export function describe(node: Pick<ModelNode, 'name' | 'opType' | 'domain'>): string {
  return `"${node.name}" ${node.opType}${node.domain === '' ? '' : ` (${node.domain})`}`;
}

/** One error for all nodes that cannot be taken; each line says which and what to do. */
export function unsupportedNodes(lines: readonly string[]): Error {
  const count = lines.length === 1 ? 'one node' : `${lines.length} nodes`;
  return unsupported({
    code: 'unsupported-operator',
    message: `${count} of the model cannot be compiled yet`,
    details: lines,
    hint: 'Replace these nodes, or cut the model before them (onnx.utils.extract_model).',
  });
}

const advice: Readonly<Record<string, string>> = {
  DynamicQuantizeLinear:
    'its scale is only known at run time; quantize statically (onnxruntime.quantization.quantize_static)',
  ConvInteger: 'it belongs to dynamic quantization; quantize statically (onnxruntime.quantization.quantize_static)',
  MatMulInteger: 'it belongs to dynamic quantization; quantize statically (onnxruntime.quantization.quantize_static)',
  If: 'export the model without control flow',
  Loop: 'export the model without control flow',
  Scan: 'export the model without control flow',
  LSTM: 'recurrent layers are not supported; use convolutions over time',
  GRU: 'recurrent layers are not supported; use convolutions over time',
  RNN: 'recurrent layers are not supported; use convolutions over time',
  Resize: 'use a transposed or strided convolution where the training allows it',
  ArgMax: 'end the model at the scores and take the largest in the application',
  NonMaxSuppression: 'end the model before it and select boxes in the application',
};

function adviceFor(node: ModelNode): string {
  if (node.domain === 'com.microsoft' && node.opType.startsWith('QLinear')) {
    return 'export the model in QDQ form (quant_format=QuantFormat.QDQ), where the operator is a float one';
  }
  if (node.domain !== '') return `operators of domain ${node.domain} are not read; export standard ONNX operators`;
  return advice[node.opType] ?? 'replace it by supported operators, or end the model before it';
}
