import { fakeQuantize } from '../ops/fake-quant.ts';
import type { ModelNode, SourceModel } from './model.ts';

/**
 * Replaces each DequantizeLinear that ends a chain QuantizeLinear → [Clip] → DequantizeLinear on a computed tensor by one
 * node (see ops/fake-quant.ts). The start of the chain becomes dead where nothing else reads it.
 * @param isConstant whether a value is known at import: chains on constants are folded instead
 */
export function joinQuantizeChains(model: SourceModel, isConstant: (name: string) => boolean): SourceModel {
  const producers = new Map(model.nodes.flatMap((n) => n.outputs.map((name) => [name, n] as const)));
  const nodes = model.nodes.map((node) => {
    if (node.opType !== 'DequantizeLinear' || node.domain !== '') return node;
    const before = producers.get(node.inputs[0] ?? '');
    const clip = before?.opType === 'Clip' ? before : undefined;
    const quantize = clip === undefined ? before : producers.get(clip.inputs[0] ?? '');
    if (quantize?.opType !== 'QuantizeLinear' || isConstant(quantize.inputs[0] ?? '')) return node;
    return sameParameters(model, quantize, node) ? joined(quantize, clip, node) : node;
  });
  return { ...model, nodes };
}

/** True where both ends name the same scale and zero point, or initializers of one value. */
function sameParameters(model: SourceModel, quantize: ModelNode, dequantize: ModelNode): boolean {
  return [1, 2].every((i) => {
    const [a, b] = [quantize.inputs[i] ?? '', dequantize.inputs[i] ?? ''];
    if (a === b) return true;
    const [p, q] = [model.initializers.get(a), model.initializers.get(b)];
    return p !== undefined && q !== undefined && p.dtype === q.dtype && p.data.every((v, k) => v === q.data[k]);
  });
}

function joined(quantize: ModelNode, clip: ModelNode | undefined, dequantize: ModelNode): ModelNode {
  const [x = '', scale = '', zero = ''] = quantize.inputs;
  const bounds = clip === undefined ? [] : [clip.inputs[1] ?? '', clip.inputs[2] ?? ''];
  return {
    name: quantize.name,
    opType: fakeQuantize,
    domain: '',
    inputs: [x, scale, zero, ...bounds],
    outputs: dequantize.outputs,
    attributes: new Map(),
  };
}
