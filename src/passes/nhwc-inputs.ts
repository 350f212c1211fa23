import { must } from '../core/must.ts';
import { tensorOf } from '../graph/build.ts';
import { sameShape } from '../graph/shape.ts';
import type { Graph, Node, TensorId } from '../graph/types.ts';
import { type Chain, resize } from './views.ts';

/**
 * The views between a tensor and the first operator behind it that has a layout of its own; undefined where there is
 * none.
 */
export function wantedView(graph: Graph, id: TensorId): Chain | undefined {
  for (const node of graph.nodes) {
    if (node.inputs[0] !== id && node.inputs[1] !== id) continue;
    if (isRepeated(graph, id, node)) continue;
    const found = wantedThrough(graph, node);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An operand that is broadcast says nothing about the result's layout. */
function isRepeated(graph: Graph, id: TensorId, node: Node): boolean {
  const { kind } = node.op;
  if (kind !== 'add' && kind !== 'mul' && kind !== 'extremum') return false;
  return !sameShape(tensorOf(graph, id).shape, tensorOf(graph, node.outputs[0]!).shape);
}

function wantedThrough(graph: Graph, node: Node): Chain | undefined {
  const behind = (): Chain | undefined => wantedView(graph, must(node.outputs[0], 'output'));
  const { op } = node;
  switch (op.kind) {
    case 'conv2d':
    case 'winograd':
    case 'maxPool':
    case 'averagePool':
    case 'depthToSpace':
    case 'spaceToDepth':
    case 'resize':
    case 'lrn':
    case 'prelu':
    case 'diffuse':
      return [];
    case 'transpose':
    case 'reshape': {
      const rest = behind();
      return rest === undefined ? undefined : [op, ...rest];
    }
    case 'unary':
    case 'fakeQuant':
    case 'add':
    case 'mul':
    case 'extremum':
      return behind();
    case 'affine': {
      const scale = tensorOf(graph, node.inputs[1]!).data;
      const shift = tensorOf(graph, node.inputs[2]!).data;
      const uniform = scale?.every((v) => v === scale[0]) && shift?.every((v) => v === shift[0]);
      return uniform ? behind() : [];
    }
    case 'pad':
    case 'slice': {
      const { shape } = tensorOf(graph, node.inputs[0]!);
      let changed = tensorOf(graph, node.outputs[0]!).shape;
      let rest = behind();
      shape.forEach((extent, axis) => {
        rest = rest && resize(changed, rest, axis, extent);
        changed = changed.map((d, i) => (i === axis ? extent : d));
      });
      return rest;
    }
    case 'concat':
    case 'softmax':
    case 'argMax':
    case 'fullyConnected':
      return undefined;
  }
}
