import { unsupported } from '../core/diagnostics.ts';
import { GraphBuilder, inputsOf, isKind, outputOf } from '../graph/build.ts';
import type { Graph, Node, Op, TensorId } from '../graph/types.ts';
import type { QdqMetadata } from '../onnx/metadata.ts';
import { placeOf } from '../ops/errors.ts';
import { canAddInFloat32, canPoolInFloat32 } from '../ops/float32.ts';
import { certify } from '../proof/certify.ts';
import { checkQuantized } from '../quantize/check.ts';
import { type AccumulatorDefaults, NotInteger } from './fuse-layer.ts';
import { fuseNode } from './fuse-node.ts';
import { type Fusion, setQuant } from './fusion.ts';
import { type Grids, gridsOf } from './grids.ts';
import { quantizeInputs } from './open-ports.ts';
import { applyMetadata } from './qdq-metadata.ts';

export interface FuseOptions extends AccumulatorDefaults {
  /** What the file says about its layers, where neonarrow wrote it. */
  readonly metadata?: QdqMetadata | undefined;
  /** The file, for messages about its metadata. */
  readonly place: string;
  /** Least and greatest real input, for inputs that the network does not round itself. */
  readonly inputRange?: readonly [number, number] | undefined;
}

/**
 * Turns a float graph with `fakeQuant` nodes into a quantized graph with the integers, zero points and scales of the
 * file.
 *
 * Requires: the passes for float graphs have run. Guarantees: the graph is legal (quantize/check.ts), every accumulator is
 * certified, no `fakeQuant` is left.
 * @throws unsupported `not-quantized`, listing every node that cannot become integer and why; reject `bad-metadata`; what
 *   `certify` throws
 */
export function fuseQdq(given: Graph, options: FuseOptions): Graph {
  const graph = withInputGrids(given, options.inputRange);
  const grids = gridsOf(graph);
  const { metadata } = options;
  const steps = metadata === undefined ? options.requant : metadata.elementwise;
  const fusion: Fusion = { graph, grids, builder: startOf(graph, grids), options, inFloat32: steps === 'float32' };
  const problems = grids.conflicts.map(({ node, reason }) => problem(node, reason));
  for (const p of graph.inputs)
    if (!grids.quants.has(p.tensor)) problems.push(`input "${p.name}": it is not quantized`);
  for (const node of graph.nodes) {
    try {
      fuseNode(fusion, node);
    } catch (error) {
      if (!(error instanceof NotInteger)) throw error;
      problems.push(problem(node, error.message));
    }
  }
  if (problems.length > 0) throw notQuantized(problems);
  const fused = fusion.builder.build();
  const layered = metadata === undefined ? fused : applyMetadata(fused, metadata, options.place);
  const named = fusion.inFloat32 ? inFloat32(layered) : layered;
  checkQuantized(named);
  certify(named);
  return named;
}

/** The graph whose operators without weights give ONNX Runtime's integers, where they can. */
function inFloat32(graph: Graph): Graph {
  const able = (node: Node): boolean => {
    const [inputs, output] = [inputsOf(graph, node), outputOf(graph, node)];
    if (isKind(node, 'add')) return node.op.subtract !== true && canAddInFloat32(inputs, output);
    return (
      isKind(node, 'mul') ||
      isKind(node, 'softmax') ||
      (isKind(node, 'averagePool') && canPoolInFloat32(node.op, inputs[0]!, output))
    );
  };
  const nodes = graph.nodes.map((n) => (able(n) ? { ...n, op: { ...n.op, requant: 'float32' } as Op } : n));
  return { ...graph, nodes };
}

/** The inputs that no `fakeQuant` says a grid of, not even behind what moves them. */
export function openInputs(graph: Graph): TensorId[] {
  const { quants } = gridsOf(graph);
  return graph.inputs.map((p) => p.tensor).filter((id) => !quants.has(id));
}

function withInputGrids(graph: Graph, range: FuseOptions['inputRange']): Graph {
  const open = range === undefined ? [] : openInputs(graph);
  return range === undefined || open.length === 0 ? graph : quantizeInputs(graph, open, range);
}

/** The graph's ports, on the tensors that hold the integers, and no nodes. */
function startOf(graph: Graph, { source, quants }: Grids): GraphBuilder {
  const outputs = graph.outputs.map((p) => ({ ...p, tensor: source(p.tensor) }));
  const builder = GraphBuilder.rebuild({ ...graph, outputs });
  for (const [id, quant] of quants) setQuant(builder, id, quant);
  return builder;
}

function problem(node: Node, reason: string): string {
  return `${placeOf(node.origin)}: ${reason}`;
}

function notQuantized(details: readonly string[]) {
  const count = details.length === 1 ? 'One part' : `${details.length} parts`;
  return unsupported({
    code: 'not-quantized',
    message: `${count} of the network cannot be computed in integers.`,
    details,
    hint: 'Every operator needs QuantizeLinear and DequantizeLinear around it; or quantize the float model with neonarrow.',
  });
}
