import { sizeOf } from '../graph/shape.ts';
import type { Node, SoftmaxOp, Tensor } from '../graph/types.ts';
import { normalizeAxis } from './axes.ts';
import type { FloatIo, OpDefinition } from './definition.ts';
import { storedAxis } from './onnx-writer.ts';
import type { Importer } from './source.ts';

/** ONNX Softmax. Before opset 13 it ran over all axes from `axis` (default 1) on, flattened; since, over one. */
function parse(im: Importer): void {
  const x = im.input(0);
  const rank = x.shape.length;
  const flattens = im.node.opset < 13;
  const axis = normalizeAxis(im, im.node.attributes.int('axis', flattens ? 1 : -1), rank);
  if (!flattens || axis === rank - 1) {
    im.bind(im.emit({ kind: 'softmax', axis }, [x.id]));
    return;
  }
  const shape = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))];
  const rows = im.emit({ kind: 'reshape', shape }, [x.id]);
  const y = im.emit({ kind: 'softmax', axis: 1 }, [rows.id]);
  im.bind(im.emit({ kind: 'reshape', shape: x.shape }, [y.id]));
}

function float(node: Node<SoftmaxOp>, io: FloatIo): void {
  const x = io.writer.value(io.inputs[0] as Tensor);
  const axis = storedAxis(node.op.axis, io.output.shape.length);
  io.writer.bind(io.output, io.writer.node('Softmax', [x], { axis }));
}

export const softmax: OpDefinition<SoftmaxOp> = {
  kind: 'softmax',
  parsers: { Softmax: parse },
  infer: (_node, inputs) => (inputs[0] as Tensor).shape,
  float,
};
