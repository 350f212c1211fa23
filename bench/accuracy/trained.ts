import { fileURLToPath } from 'node:url';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Graph } from '../../src/graph/types.ts';
import { quantizedAccuracy } from '../../src/interpret/accuracy.ts';
import type { QuantizeOptions } from '../../src/quantize/options.ts';
import { quantize } from '../../src/quantize/quantize.ts';
import { layerReports } from '../../src/quantize/report.ts';
import { type Network, openNetwork } from './networks.ts';
import { asAxe } from './rows.ts';

/** The digits network under an accumulator that is proven for all of its layers. */
export interface Digits {
  readonly what: string;
  /** Of the narrowest scalar accumulator that holds every sum. */
  readonly bits: number;
  readonly right: number;
  readonly samples: number;
}

const example = (path: string) => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));
const data = { calibrate: example('digits/calibration.npz'), evaluate: example('digits/evaluation.npz') };

/** Widths that training was asked for; what it came to are one less. */
const TRAINED = [16, 12] as const;
const WIDTHS = [15, 11, 10, 9] as const;
/** Widths of data for all layers, for the method that has one. */
const ONE_WIDTH = [2, 3, 4, 5, 6, 7] as const;

/** Training for an accumulator (A2Q) against quantizing the float network of the same layers, which was not trained for one. */
export async function trainedAndNot(): Promise<Digits[]> {
  const digits: Digits[] = [];
  for (const bits of TRAINED) {
    const { model, evaluation } = await openNetwork({
      ...data,
      path: example(`digits-a2q/digits-a2q-${bits}bit.onnx`),
    });
    digits.push(await measured(`trained for ${bits} bits (A2Q)`, model.graph, evaluation));
  }
  const network = await openNetwork({ ...data, path: example('digits/digits.onnx') });
  for (const bits of WIDTHS) {
    digits.push(await untrained('not trained, neonarrow', network, { accBits: bits }));
    const widths: Digits[] = [];
    for (const width of ONE_WIDTH) {
      const what = `not trained, as AXE, ${width}-bit data`;
      widths.push(await untrained(what, network, { accBits: bits, bits: width, techniques: asAxe }));
    }
    // The best of them by the very samples it is judged by: in favour of the other method.
    digits.push(widths.reduce((a, b) => (b.right > a.right ? b : a)));
  }
  return digits;
}

async function untrained(
  what: string,
  { model, calibration, evaluation }: Network,
  options: Partial<QuantizeOptions>,
): Promise<Digits> {
  const { graph } = await quantize(model.graph, calibration, { lanes: 1, ...options });
  return measured(what, graph, evaluation);
}

async function measured(what: string, graph: Graph, evaluation: Dataset): Promise<Digits> {
  const bits = Math.max(...layerReports(graph).map((l) => l.scalarBits));
  const { correct, samples } = await quantizedAccuracy(graph, evaluation);
  return { what, bits, right: correct, samples };
}
