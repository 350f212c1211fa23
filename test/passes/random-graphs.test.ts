import fc from 'fast-check';
import { it } from 'vitest';
import type { SourceTensor } from '../../src/onnx/model.ts';
import { verifyGraph } from '../../src/passes/pass.ts';
import { expectFaithful, int64, type ModelSpec, type NodeSpec, random, scalar, tensor } from '../onnx/model-helper.ts';

/**
 * Random networks: every step appends an operator to a value made before, in an axis order that wanders between
 * channels-first and channels-last. All passes must leave what the network computes as it is.
 */
const step = fc.record({
  kind: fc.constantFrom(
    'conv',
    'depthwise',
    'norm',
    'relu',
    'clip',
    'sigmoid',
    'scale',
    'maxPool',
    'averagePool',
    'pad',
    'add',
    'concat',
    'softmax',
    'transpose',
    'unusualTranspose',
    'flatten',
    'dense',
    'globalAverage',
    'mean',
  ),
  /** Which earlier values are read. */
  from: fc.nat(7),
  other: fc.nat(7),
  size: fc.nat(2),
  seed: fc.nat(1000),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

class Network {
  readonly nodes: NodeSpec[] = [];
  readonly constants: Record<string, SourceTensor> = {};
  readonly values: Value[];

  constructor(input: readonly number[]) {
    this.values = [{ name: 'x', shape: input }];
  }

  constant(value: SourceTensor): string {
    const name = `c${Object.keys(this.constants).length}`;
    this.constants[name] = value;
    return name;
  }

  /** Appends a node on values; its result has `shape`. */
  push(op: string, inputs: readonly string[], shape: readonly number[], attributes: NodeSpec['attributes'] = {}): void {
    this.nodes.push({ op, inputs, attributes });
    this.values.push({ name: `n${this.nodes.length - 1}`, shape });
  }

  pick(index: number): Value {
    return this.values[Math.max(0, this.values.length - 1 - index)]!;
  }

  /** Appends the step where it fits the value that it picks; other steps are left out. */
  append(s: Step): void {
    const x = this.pick(s.from);
    const { shape } = x;
    if (shape.length === 4) this.appendImage(s, x, shape as [number, number, number, number]);
    else if (shape.length === 2) this.appendRows(s, x, shape as [number, number]);
    this.appendAny(s, x);
  }

  appendImage(s: Step, x: Value, [n, c, h, w]: [number, number, number, number]): void {
    const k = 1 + s.size;
    const room = h >= k && w >= k;
    if (s.kind === 'conv') {
      const o = 1 + (s.seed % 4);
      const weights = this.constant(random([o, c, k, k], s.seed, 0.5));
      const pads = [s.seed % 2, 0, s.size, 1];
      const fits = h + pads[0]! + pads[2]! >= k && w + 1 >= k;
      const extent = (d: number, p: number): number => Math.floor((d + p - k) / 2) + 1;
      const out = [n, o, extent(h, pads[0]! + pads[2]!), extent(w, 1)];
      if (fits) this.push('Conv', [x.name, weights], out, { pads, strides: [2, 2] });
    } else if (s.kind === 'depthwise' && room) {
      const inputs = [x.name, this.constant(random([c, 1, k, k], s.seed)), this.constant(random([c], s.seed + 1))];
      this.push('Conv', inputs, [n, c, h - k + 1, w - k + 1], { group: c });
    } else if (s.kind === 'norm') {
      const parameters = [0, 1, 2].map((i) => this.constant(random([c], s.seed + i)));
      const variance = this.constant(tensor([c], new Float32Array(c).fill(0.8)));
      this.push('BatchNormalization', [x.name, ...parameters, variance], x.shape);
    } else if (s.kind === 'maxPool' && room) {
      this.push('MaxPool', [x.name], [n, c, h - k + 1, w - k + 1], { kernel_shape: [k, k] });
    } else if (s.kind === 'averagePool' && room) {
      this.push('AveragePool', [x.name], [n, c, h - k + 1, w - k + 1], { kernel_shape: [k, k] });
    } else if (s.kind === 'pad') {
      const pads = this.constant(int64(0, s.seed % 2, 1, 0, 0, 0, s.size, 1));
      const inputs = s.seed % 3 === 0 ? [x.name, pads, this.constant(scalar(0.5))] : [x.name, pads];
      this.push('Pad', inputs, [n, c + (s.seed % 2), h + 1 + s.size, w + 1]);
    } else if (s.kind === 'globalAverage') {
      this.push('GlobalAveragePool', [x.name], [n, c, 1, 1]);
    } else if (s.kind === 'mean') {
      const last = s.seed % 2 === 0;
      const shape = last ? [n, w] : [n, c];
      this.push('ReduceMean', [x.name], shape, { axes: last ? [1, 2] : [2, 3], keepdims: 0 });
    } else if (s.kind === 'transpose') {
      const toLast = s.seed % 2 === 0;
      this.push('Transpose', [x.name], toLast ? [n, h, w, c] : [n, w, c, h], {
        perm: toLast ? [0, 2, 3, 1] : [0, 3, 1, 2],
      });
    } else if (s.kind === 'unusualTranspose') {
      this.push('Transpose', [x.name], [n, c, w, h], { perm: [0, 1, 3, 2] });
    } else if (s.kind === 'flatten') {
      this.push('Flatten', [x.name], [n, c * h * w]);
    }
  }

  appendRows(s: Step, x: Value, [m, k]: [number, number]): void {
    if (s.kind === 'dense') {
      const o = 2 + s.size;
      this.push(
        'Gemm',
        [x.name, this.constant(random([k, o], s.seed, 0.5)), this.constant(random([o], s.seed))],
        [m, o],
      );
    } else if (s.kind === 'conv' && k % 2 === 0) {
      this.push('Reshape', [x.name, this.constant(int64(m, 2, 1, k / 2))], [m, 2, 1, k / 2]);
    }
  }

  appendAny(s: Step, x: Value): void {
    const rank = x.shape.length;
    const y = this.pick(s.other);
    const joins = (axis: number): boolean =>
      y.shape.length === rank && y.shape.every((d, i) => i === axis || d === x.shape[i]);
    const axis = Math.min(rank - 1, 1 + s.size);
    if (s.kind === 'relu') this.push('Relu', [x.name], x.shape);
    else if (s.kind === 'clip')
      this.push('Clip', [x.name, this.constant(scalar(-1)), this.constant(scalar(0.7))], x.shape);
    else if (s.kind === 'sigmoid') this.push('Sigmoid', [x.name], x.shape);
    else if (s.kind === 'scale') this.push('Mul', [x.name, this.constant(scalar(1.5))], x.shape);
    else if (s.kind === 'softmax') this.push('Softmax', [x.name], x.shape, { axis });
    else if (s.kind === 'add' && joins(-1)) this.push('Add', [x.name, y.name], x.shape);
    else if (s.kind === 'concat' && joins(axis)) {
      const shape = x.shape.map((d, i) => (i === axis ? d + y.shape[i]! : d));
      this.push('Concat', [x.name, y.name], shape, { axis });
    }
  }

  spec(): ModelSpec {
    const read = new Set(this.nodes.flatMap((n) => n.inputs));
    const outputs = this.values.map((v) => v.name).filter((name) => name !== 'x' && !read.has(name));
    return { inputs: { x: this.values[0]!.shape }, nodes: this.nodes, constants: this.constants, outputs };
  }
}

it('random networks compute the same after all passes', async () => {
  const network = fc.record({
    input: fc.constantFrom([1, 3, 7, 6], [1, 1, 5, 5], [2, 4, 6, 6], [1, 6, 5, 3]),
    steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(network, async ({ input, steps }) => {
      const built = new Network(input);
      for (const s of steps) built.append(s);
      fc.pre(built.nodes.length > 0);
      const { optimized } = await expectFaithful(built.spec());
      verifyGraph(optimized, 'all passes');
    }),
    { numRuns: Number(process.env['NEONARROW_RUNS'] ?? 300), seed: Number(process.env['NEONARROW_SEED'] ?? 7) },
  );
});
