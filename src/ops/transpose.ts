import {
  composePermutations,
  formatShape,
  inversePermutation,
  isIdentityPermutation,
  permuteShape,
  transposeData,
} from '../graph/shape.ts';
import type { Node, Shape, Tensor, TransposeOp } from '../graph/types.ts';
import type { FloatIo, IntegerIo, OpDefinition } from './definition.ts';
import { requireSameQuant } from './quantized.ts';
import type { Importer } from './source.ts';
import { storedPermutation } from './stored.ts';

/** ONNX Transpose: without `perm` the axes are reversed. */
function parse(im: Importer): void {
  const x = im.input(0);
  const axes = x.shape.map((_, axis) => axis);
  const perm = im.node.attributes.ints('perm', axes.toReversed());
  if (perm.length !== axes.length || axes.some((axis) => !perm.includes(axis))) {
    throw im.invalid(`perm ${perm.join(', ')} does not permute the axes of ${formatShape(x.shape)}`);
  }
  im.bind(isIdentityPermutation(perm) ? x : im.emit({ kind: 'transpose', perm }, [x.id]));
}

function infer(node: Node<TransposeOp>, inputs: readonly Tensor[]): Shape {
  return permuteShape((inputs[0] as Tensor).shape, node.op.perm);
}

function float(node: Node<TransposeOp>, io: FloatIo): void {
  const { perm } = node.op;
  const stored =
    perm.length === 4
      ? composePermutations(composePermutations(inversePermutation(storedPermutation), perm), storedPermutation)
      : perm;
  const x = io.writer.value(io.inputs[0] as Tensor);
  io.writer.bind(io.output, isIdentityPermutation(stored) ? x : io.writer.node('Transpose', [x], { perm: stored }));
}

/** The steps, moved; input and output have one quantization. */
function integer(node: Node<TransposeOp>, io: IntegerIo): Int8Array {
  requireSameQuant(io.inputs, io.output);
  const x = io.values[0] as Int8Array;
  return transposeData(x, (io.inputs[0] as Tensor).shape, node.op.perm, new Int8Array(x.length));
}

export const transpose: OpDefinition<TransposeOp> = {
  kind: 'transpose',
  parsers: { Transpose: parse },
  infer,
  float,
  integer,
  exact: float,
};
