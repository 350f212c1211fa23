import { must } from '../core/must.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Graph, TensorId } from '../graph/types.ts';
import { inputQuantizer } from '../interpret/quantize-input.ts';
import { gather } from './calibrate.ts';

/** Some samples as int8 values of each input of a quantized graph, one after the other. */
export function quantizedInputs(
  graph: Graph,
  dataset: Dataset,
  samples: readonly number[],
): ReadonlyMap<TensorId, Int8Array> {
  const values = gather(dataset, samples);
  return new Map(
    graph.inputs.map((port, i) => [
      port.tensor,
      inputQuantizer(graph, port)(must(values[i], port.name), samples.length),
    ]),
  );
}
