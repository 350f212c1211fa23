import { must } from '../core/must.ts';
import { type GraphBuilder, tensorOf } from '../graph/build.ts';
import type { Graph, Node, QuantParams, Tensor, TensorId } from '../graph/types.ts';
import { quantizeValue } from '../ops/quantized.ts';
import { gridOfConstant } from '../quantize/steps/constant-grid.ts';
import { type AccumulatorDefaults, NotInteger } from './fuse-layer.ts';
import type { Grids } from './grids.ts';

/** A float graph with `fakeQuant` nodes on its way to a quantized one: the grids of its tensors, and what has been built. */
export interface Fusion {
  readonly graph: Graph;
  readonly grids: Grids;
  readonly builder: GraphBuilder;
  readonly options: AccumulatorDefaults;
  /** Operators without weights give ONNX Runtime's integers, where they can. */
  readonly inFloat32: boolean;
}

export function setQuant(builder: GraphBuilder, id: TensorId, quant: QuantParams): void {
  builder.tensors.set(id, { ...must(builder.tensors.get(id), `tensor ${id}`), dtype: 'int8', quant });
}

/** The integers that an input stands for. */
export function quantizedInput(
  { graph, grids, builder }: Fusion,
  id: TensorId,
): Tensor & { readonly quant: QuantParams } {
  const tensor = must(builder.tensors.get(grids.source(id)), `tensor ${id}`);
  if (tensorOf(graph, id).data !== undefined) throw new NotInteger('one of its operands is a constant');
  if (tensor.quant === undefined) throw new NotInteger('its input is not quantized');
  return { ...tensor, quant: tensor.quant };
}

/** The integers behind a constant operand, on a grid of its own where the file has none; undefined where the input is no constant. */
export function quantizedConstant({ graph, builder }: Fusion, id: TensorId): TensorId | undefined {
  const { data, quant, shape } = tensorOf(graph, id);
  if (data === undefined) return undefined;
  if (quant === undefined || quant.axis !== undefined) {
    const own = gridOfConstant(data);
    const steps = Int8Array.from(data, (v) => quantizeValue(v, own));
    return builder.constant(id, shape, steps, { quant: own });
  }
  const half = quant.qmin >= 0 ? 128 : 0;
  if (quant.qmax - half > 127) throw new NotInteger('its constant operand exceeds int8');
  const zeroPoint = quant.zeroPoint - half;
  const signed = { scale: quant.scale, zeroPoint, qmin: quant.qmin - half, qmax: quant.qmax - half };
  return builder.constant(
    id,
    shape,
    Int8Array.from(data, (v) => quantizeValue(v, signed)),
    { quant: signed },
  );
}

export function quantizedOutput({ grids }: Fusion, node: Node): QuantParams {
  const quant = grids.quants.get(node.outputs[0]!);
  if (quant === undefined) throw new NotInteger('its output is not quantized');
  return quant;
}

/** A table between two grids. */
export function requantize(fusion: Fusion, { origin }: Node, from: TensorId, to: TensorId): void {
  const { builder, grids } = fusion;
  const input = must(builder.tensors.get(grids.source(from)), `tensor ${from}`).id;
  builder.addNode({ kind: 'unary', fn: { name: 'identity' } }, [input], [to], origin);
}
