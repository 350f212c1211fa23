import { invariant } from '../core/diagnostics.ts';
import { tensorOf } from '../graph/build.ts';
import { sizeOf } from '../graph/shape.ts';
import type { Graph, Port } from '../graph/types.ts';
import { quantizeValue, quantOf } from '../ops/quantized.ts';
import { portOrder } from './order.ts';

/**
 * Real samples to a quantized network's input: `count` samples in the ONNX input's own order, as `Dataset.batch` gives
 * them, to their steps in the tensor's order (channels last), sample after sample.
 */
export type InputQuantizer = (real: Float32Array, count: number) => Int8Array;

/**
 * A value becomes `quantizeValue(real)`, ONNX's QuantizeLinear to the bit (float32 division, halves to even, clamped); the
 * tables of the generated `<model>_quantize_u8()` must hold the same.
 */
export function inputQuantizer(graph: Graph, port: Port): InputQuantizer {
  const tensor = tensorOf(graph, port.tensor);
  const quant = quantOf(tensor);
  const order = portOrder(port);
  const size = sizeOf(tensor.shape);
  return (real, count) => {
    if (real.length !== count * size) throw invariant(`${real.length} values for ${count} samples of ${size}`);
    const steps = new Int8Array(real.length);
    for (let sample = 0; sample < real.length; sample += size) {
      for (let i = 0; i < size; i++) {
        steps[sample + i] = quantizeValue(real[sample + (order === undefined ? i : order[i]!)]!, quant);
      }
    }
    return steps;
  };
}
