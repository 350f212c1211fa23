import { importSource } from '../src/onnx/import.ts';
import { optimize } from '../src/passes/index.ts';
import { quantize } from '../src/quantize/quantize.ts';
import { readData } from '../src/stages/read-data.ts';
import { alexNet } from './networks/classic.ts';
import { predictLayers } from './predict.ts';

const t0 = performance.now();
const log = (s: string) =>
  console.log(((performance.now() - t0) / 1000).toFixed(1), s, Math.round(process.memoryUsage().rss / 1e6));
const source = alexNet();
log('built');
const read = await importSource(source, { path: 'alexnet' });
const graph = optimize(read);
log('imported');
const data = await readData(graph, 'random:4', {} as never, { seed: 1 });
const q = await quantize(graph, data, { samples: 4 });
log('quantized');
for (const l of q.layers) console.log(l.name, l.dataBits, l.weightBits, l.segments, l.utilization, l.proven);
const p = predictLayers(q.graph);
for (const [n, v] of p) console.log(n, v.kernel, Math.round(v.predicted));
