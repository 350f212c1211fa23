import { isKind, producerOf, tensorOf } from '../graph/build.ts';
import type { AffineOp, Expression, Graph, Node, TensorId, UnaryOp } from '../graph/types.ts';
import { deadCode } from './dead-code.ts';
import { edited, type Pass, soleConsumer, untilStable } from './pass.ts';

/**
 * Operators of one element that all start from one tensor are one function of its values, so one table: x · sigmoid(x),
 * GELU and Mish as exporters write them, tanh(2·x + 1), …
 * Requires: channels-last, fold-batchnorm has run.
 * Guarantees: the same function; no sum, product, maximum or minimum of two functions of one tensor is left, and no function
 * behind another that only it reads. A clip that its producer can take in stays.
 */
export const composeFunctions: Pass = {
  name: 'compose-functions',
  run: (graph) => {
    const composed = untilStable(graph, compose);
    return composed === graph ? graph : deadCode.run(composed);
  },
};

/** What a tensor is, seen from another. */
interface Derived {
  readonly source: TensorId;
  readonly expression: Expression;
}

const value: Expression = { kind: 'value' };
/** Trees grow where parts are used twice. */
const largestTree = 200;

function compose(graph: Graph, node: Node): Graph | undefined {
  if (isKind(node, 'unary') && node.op.fn.name === 'composed' && node.op.fn.expression.kind !== 'value') {
    // Already composed: again only where something new comes below.
    if (functionBelow(graph, node) === undefined) return undefined;
  }
  const derived = derivedBy(graph, node);
  if (derived === undefined || sizeOf(derived.expression) > largestTree) return undefined;
  const op: UnaryOp = { kind: 'unary', fn: { name: 'composed', expression: derived.expression } };
  return edited(graph, { nodes: new Map([[node.id, [{ ...node, op, inputs: [derived.source] }]]]) });
}

/** The node's result as a function of one tensor, where that is worth a table of its own. */
function derivedBy(graph: Graph, node: Node): Derived | undefined {
  if (isKind(node, 'unary') || isUniform(graph, node)) {
    const inner = functionBelow(graph, node);
    return inner && { source: inner.source, expression: applied(graph, node, inner.expression) };
  }
  const by = combinationOf(node);
  if (by === undefined || ('clamp' in node.op && node.op.clamp !== undefined)) return undefined;
  const [a, b] = node.inputs as [TensorId, TensorId];
  if (tensorOf(graph, a).data !== undefined || tensorOf(graph, b).data !== undefined) return undefined;
  for (const left of chainOf(graph, a)) {
    const right = chainOf(graph, b).find((d) => d.source === left.source);
    if (right === undefined) continue;
    const expression = { kind: 'combine', by, left: left.expression, right: right.expression } as const;
    return { source: left.source, expression };
  }
  return undefined;
}

/** The function that a function is applied to, where nothing else reads it in between. */
function functionBelow(graph: Graph, node: Node): Derived | undefined {
  const id = node.inputs[0]!;
  const producer = producerOf(graph, id);
  if (producer === undefined || soleConsumer(graph, id) !== node) return undefined;
  if (!isKind(producer, 'unary') && !isUniform(graph, producer)) return undefined;
  if (isTakenIn(graph, producer)) return undefined;
  return { source: producer.inputs[0]!, expression: applied(graph, producer, value) };
}

/** The tensor as a function of itself, of what it is a function of, and so on. */
function chainOf(graph: Graph, id: TensorId): Derived[] {
  const chain: Derived[] = [{ source: id, expression: value }];
  for (;;) {
    const { source, expression } = chain.at(-1)!;
    const producer = producerOf(graph, source);
    if (producer === undefined || !(isKind(producer, 'unary') || isUniform(graph, producer))) return chain;
    chain.push({ source: producer.inputs[0]!, expression: substituted(expression, applied(graph, producer, value)) });
  }
}

/** A clip is free in the operator before it. */
function isTakenIn(graph: Graph, node: Node): boolean {
  if (!isKind(node, 'unary') || node.op.fn.name !== 'clip') return false;
  const producer = producerOf(graph, node.inputs[0]!);
  return producer !== undefined && producer.op.kind !== 'unary' && soleConsumer(graph, node.inputs[0]!) === node;
}

function combinationOf({ op }: Node): Extract<Expression, { kind: 'combine' }>['by'] | undefined {
  switch (op.kind) {
    case 'add':
      return op.subtract ? 'sub' : 'add';
    case 'mul':
      return 'mul';
    case 'extremum':
      return op.fn;
    default:
      return undefined;
  }
}

/** One factor and one shift for all channels. */
function isUniform(graph: Graph, node: Node): node is Node<AffineOp> {
  if (!isKind(node, 'affine')) return false;
  const constants = node.inputs.slice(1).map((id) => tensorOf(graph, id).data);
  return constants.every((data) => data?.every((v) => v === data[0]));
}

function applied(graph: Graph, node: Node, to: Expression): Expression {
  if (isKind(node, 'unary')) {
    const { fn } = node.op;
    return fn.name === 'composed' ? substituted(fn.expression, to) : { kind: 'apply', fn, to };
  }
  const [scale, shift] = node.inputs.slice(1).map((id) => tensorOf(graph, id).data?.[0] ?? 0) as [number, number];
  return { kind: 'apply', fn: { name: 'linear', scale, shift }, to };
}

/** `expression` with `by` in the place of its value. */
function substituted(expression: Expression, by: Expression): Expression {
  switch (expression.kind) {
    case 'value':
      return by;
    case 'apply':
      return { ...expression, to: substituted(expression.to, by) };
    case 'combine':
      return { ...expression, left: substituted(expression.left, by), right: substituted(expression.right, by) };
  }
}

function sizeOf(expression: Expression): number {
  switch (expression.kind) {
    case 'value':
      return 1;
    case 'apply':
      return 1 + sizeOf(expression.to);
    case 'combine':
      return 1 + sizeOf(expression.left) + sizeOf(expression.right);
  }
}
