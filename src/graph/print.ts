import { tensorOf } from './build.ts';
import { formatShape } from './shape.ts';
import type { Graph, Op, Port, Tensor } from './types.ts';

function printQuant(t: Tensor): string {
  if (t.quant === undefined) return '';
  const { scale, zeroPoint, qmin, qmax } = t.quant;
  const s = scale.length === 1 ? scale[0]!.toPrecision(6) : `[${scale.length}]`;
  return ` q(${s}, ${zeroPoint}, ${qmin}..${qmax})`;
}

function printTensor(t: Tensor): string {
  return `%${t.id}: ${t.dtype}[${formatShape(t.shape)}]${printQuant(t)}`;
}

function printAttributes(op: Op): string {
  const entries = Object.entries(op).filter(([key]) => key !== 'kind');
  return entries.map(([key, value]) => ` ${key}=${printValue(value)}`).join('');
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printValue).join(',')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, v]) => `${key}:${printValue(v)}`)
    .join(' ')}}`;
}

/** The views between a port and its tensor, in data-flow order. */
function printViews(port: Port): string {
  return port.views.map((v) => ` ${v.kind}${printValue(v.kind === 'transpose' ? v.perm : v.shape)}`).join('');
}

/** The graph as text, one line a node: for goldens, `inspect` and people. */
export function printGraph(graph: Graph): string {
  const lines = [`graph ${graph.name}`];
  for (const p of graph.inputs) {
    const tensor = printTensor(tensorOf(graph, p.tensor));
    lines.push(`  input ${p.name} ${formatShape(p.shape)}${printViews(p)} -> ${tensor}`);
  }
  for (const n of graph.nodes) {
    const outputs = n.outputs.map((id) => printTensor(tensorOf(graph, id))).join(', ');
    const inputs = n.inputs.map((id) => printInput(tensorOf(graph, id))).join(', ');
    lines.push(`  ${outputs} = ${n.op.kind}(${inputs})${printAttributes(n.op)} // ${n.origin.name}`);
  }
  for (const p of graph.outputs)
    lines.push(`  output ${p.name} ${formatShape(p.shape)} <-${printViews(p)} %${p.tensor}`);
  return `${lines.join('\n')}\n`;
}

function printInput(t: Tensor): string {
  return t.data === undefined ? `%${t.id}` : `const ${t.dtype}[${formatShape(t.shape)}]${printQuant(t)}`;
}
