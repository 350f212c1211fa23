import { must } from '../core/must.ts';
import { inputsOf, isKind, isReadAfter, outputOf, tensorOf } from '../graph/build.ts';
import { partOf } from '../graph/part.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Node, Tensor, TensorId } from '../graph/types.ts';
import { diffused } from '../ops/diffuse.ts';
import { definitionOf } from '../ops/index.ts';
import { createExactSession, type ExactEvaluator } from './exact-session.ts';
import { fastCarries } from './fast-carries.ts';
import { runNode } from './reference.ts';
import type { RunnerOptions } from './runner.ts';

/** Samples that go through all stages at once: their activations are held in between. */
const CHUNK = 64;

type Values = Map<TensorId, Int8Array>;

/** Some nodes of a graph, one after the other; adds what they make to `values`. */
interface Stage {
  run(values: Values, count: number): Promise<void>;
  release(): Promise<void>;
}

/** Whether an operator can be written as ONNX nodes that compute its integers exactly. */
export function hasExactForm(node: Node): boolean {
  return definitionOf(node).exact !== undefined;
}

/**
 * A quantized graph, in sessions of ONNX Runtime as long as operators have an exact form; the others between them in plain loops.
 * @param wanted the tensors that `run` returns
 */
export async function createExactStages(
  graph: Graph,
  wanted: readonly TensorId[],
  options: RunnerOptions,
): Promise<ExactEvaluator> {
  const stages: Stage[] = [];
  for (const nodes of runsOfNodes(graph)) stages.push(await createStage(graph, nodes, wanted, options));
  return {
    async run(inputs, count) {
      const results = new Map(wanted.map((id) => [id, new Int8Array(count * sizeOf(tensorOf(graph, id).shape))]));
      for (let from = 0; from < count; from += CHUNK) {
        const to = Math.min(count, from + CHUNK);
        const values: Values = new Map();
        for (const { tensor: id } of graph.inputs) {
          values.set(id, samplesOf(must(inputs.get(id), `input ${id}`), tensorOf(graph, id), from, to));
        }
        for (const stage of stages) await stage.run(values, to - from);
        for (const [id, all] of results) {
          samplesOf(all, tensorOf(graph, id), from, to).set(must(values.get(id), `values of ${id}`));
        }
      }
      return results;
    },
    async release() {
      for (const stage of stages) await stage.release();
    },
  };
}

/** The graph's nodes in order: as many as possible that have an exact form, or one that has none. */
function runsOfNodes(graph: Graph): Node[][] {
  const runs: Node[][] = [];
  for (const node of graph.nodes) {
    const last = runs.at(-1);
    if (last !== undefined && [node, last[0]!].every(hasExactForm)) last.push(node);
    else runs.push([node]);
  }
  return runs;
}

async function createStage(
  graph: Graph,
  nodes: readonly Node[],
  wanted: readonly TensorId[],
  options: RunnerOptions,
): Promise<Stage> {
  const [first] = nodes as [Node];
  if (!hasExactForm(first)) return loopStage(graph, first);
  const last = graph.nodes.indexOf(must(nodes.at(-1), 'node'));
  const needed = nodes.flatMap((n) => n.outputs).filter((id) => isReadAfter(graph, id, last) || wanted.includes(id));
  // Behind the last tensor that is wanted.
  if (needed.length === 0) return { run: async () => {}, release: async () => {} };
  const session = await createExactSession(partOf(graph, nodes, needed), needed, options);
  return {
    async run(values, count) {
      for (const [id, made] of await session.run(values, count)) values.set(id, made);
    },
    release: session.release,
  };
}

function loopStage(graph: Graph, node: Node): Stage {
  const output = outputOf(graph, node);
  const activations = inputsOf(graph, node).filter((t) => t.data === undefined);
  const runOnce = loopOf(graph, node);
  return {
    async run(values, count) {
      const made = new Int8Array(count * sizeOf(output.shape));
      for (let i = 0; i < count; i++) {
        const sample = activations.map((t) => [t.id, samplesOf(must(values.get(t.id), t.id), t, i, i + 1)] as const);
        samplesOf(made, output, i, i + 1).set(runOnce(new Map(sample)));
      }
      values.set(output.id, made);
    },
    release: async () => {},
  };
}

function loopOf(graph: Graph, node: Node): (values: Values) => Int8Array {
  if (!isKind(node, 'diffuse') || node.op.carries === undefined) return (values) => runNode(graph, node, values);
  const [[input], output] = [inputsOf(graph, node) as [Tensor], outputOf(graph, node)];
  const carried = fastCarries(node.op.carries, must(output.shape[3], 'channels'));
  return (values) =>
    diffused(node.op, { inputs: [input], values: [must(values.get(input.id), input.id)], output }, carried);
}

/** The samples `from` to `to − 1` of a tensor. */
function samplesOf(values: Int8Array, { shape }: Tensor, from: number, to: number): Int8Array {
  const size = sizeOf(shape);
  return values.subarray(from * size, to * size);
}
