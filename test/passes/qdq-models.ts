import { createRandom } from '../../src/core/random.ts';
import type { Graph } from '../../src/graph/types.ts';
import { importSource } from '../../src/onnx/import.ts';
import type { SourceTensor } from '../../src/onnx/model.ts';
import { type FuseOptions, fuseQdq } from '../../src/passes/fuse-qdq.ts';
import { optimize } from '../../src/passes/index.ts';
import { buildModel, type ModelSpec, type NodeSpec, scalar, tensor } from '../onnx/model-helper.ts';

export const options: FuseOptions = { accBits: 16, lanes: 8, requant: 'float32', place: 'q.onnx' };

/** The quantized graph that a model in QDQ form becomes. @throws as `fuseQdq` */
export async function fused(spec: ModelSpec, given = options): Promise<Graph> {
  return fuseQdq(optimize(await importSource(buildModel(spec), { path: 'q.onnx' })), given);
}

/** Models of other tools: QuantizeLinear and DequantizeLinear of one grid are two nodes. */
export class Qdq {
  readonly nodes: NodeSpec[] = [];
  readonly constants: Record<string, SourceTensor> = {};

  /** Rounds a value to a grid; `zero` decides between int8 and uint8. */
  round(x: string, scale: number, zero: SourceTensor): string {
    const id = `q${this.nodes.length}`;
    this.constants[`${id}.s`] = scalar(scale);
    this.constants[`${id}.z`] = zero;
    const inputs = [`${id}.s`, `${id}.z`];
    this.nodes.push({ op: 'QuantizeLinear', inputs: [x, ...inputs], outputs: [id], name: `${id}:quantize` });
    this.nodes.push({
      op: 'DequantizeLinear',
      inputs: [id, ...inputs],
      outputs: [`${id}.d`],
      name: `${id}:dequantize`,
    });
    return `${id}.d`;
  }

  node(op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): string {
    const name = `${op}${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [name], attributes, name });
    return name;
  }

  constant(name: string, value: SourceTensor): string {
    this.constants[name] = value;
    return name;
  }

  /** A constant behind its DequantizeLinear. */
  stored(name: string, value: SourceTensor, scale: SourceTensor, zero: SourceTensor): string {
    const inputs = [this.constant(name, value), this.constant(`${name}.s`, scale), this.constant(`${name}.z`, zero)];
    this.nodes.push({ op: 'DequantizeLinear', inputs, outputs: [`${name}.d`], attributes: { axis: 0 } });
    return `${name}.d`;
  }

  model(outputs: readonly string[], shape: readonly number[] = [1, 4, 6, 6]): ModelSpec {
    return { inputs: { x: shape }, nodes: this.nodes, constants: this.constants, outputs };
  }
}

export const int8 = (v: number) => tensor([], Int8Array.of(v));
export const uint8 = (v: number) => tensor([], Uint8Array.of(v));

export function integers(count: number, lo: number, hi: number, seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.int(lo, hi));
}

/** −128 among them. */
export function weightsOf(seed: number): number[] {
  return [-128, ...integers(287, -128, 127, seed)];
}

/** Convolution 4 → 8, 3×3, with int8 weights of a scale each and an int32 bias. */
export function conv(m: Qdq, x: string, inputScale: number, seed: number): string {
  const scales = Float32Array.from(integers(8, 5, 20, seed), (v) => v / 4096);
  const zeros = tensor([8], new Int8Array(8));
  const w = m.stored(`w${seed}`, tensor([8, 4, 3, 3], Int8Array.from(weightsOf(seed))), tensor([8], scales), zeros);
  const steps = scales.map((s) => s * inputScale);
  const bias = tensor([8], Int32Array.from(integers(8, -900, 900, seed)));
  const b = m.stored(`b${seed}`, bias, tensor([8], steps), tensor([8], new Int32Array(8)));
  return m.node('Conv', [x, w, b], { pads: [1, 1, 1, 1] });
}
