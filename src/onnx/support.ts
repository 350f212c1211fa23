import { unsupported } from '../core/diagnostics.ts';
import { parsers } from '../ops/index.ts';
import { adviceFor } from './advice.ts';
import type { ModelNode, SourceModel } from './model.ts';
import { isQLinear } from './qlinear.ts';
import { isQonnx } from './qonnx.ts';

/** Opsets whose operators the parsers know. */
const [oldestOpset, newestOpset] = [7, 23];

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

/** What happens to an operator whose inputs are computed at run time, and whether it is folded where they are constants. */
export interface OperatorSupport {
  readonly status: 'supported' | 'folded' | 'refused';
  readonly foldsConstants: boolean;
  /** What to do instead, where it is refused. */
  readonly advice?: string;
}

/** For the page that lists all operators. */
export function supportOf(opType: string, domain: string): OperatorSupport {
  const node: ModelNode = { name: '', opType, domain, inputs: ['x'], outputs: [], attributes: new Map() };
  const foldsConstants = isFoldable(node, new Set(node.inputs));
  if (isSupported(node)) return { status: 'supported', foldsConstants };
  if (readsShapeOnly(node) || (domain === '' && opType === 'Constant')) return { status: 'folded', foldsConstants };
  return { status: 'refused', foldsConstants, advice: adviceFor(node) };
}

function isSupported(node: Pick<ModelNode, 'opType' | 'domain'>): boolean {
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
