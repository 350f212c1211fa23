import { reject } from '../core/diagnostics.ts';

/**
 * Samples for calibration and evaluation. What was read is kept as raw bytes; real values are made a batch at a time, so
 * that 10,000 images cost their pixels only.
 */
export interface Dataset {
  /** Samples, at least 1. */
  readonly count: number;
  /** For people: `cifar10-test.bin: 10000 labelled samples of 32×32×3 pixels`. */
  readonly describe: string;
  /** Elements of one sample. */
  readonly sampleSize: number;
  /** The class of each sample, in [0, classes); absent where the data has none. */
  readonly labels?: Int32Array;
  /**
   * The preprocessed real inputs of samples `from` to `to - 1`, in the ONNX input's own order (NCHW, NHWC, …):
   * `(to - from) × sampleSize` values. A new array each time.
   */
  batch(from: number, to: number): Float32Array;
  /**
   * The raw pixels of sample `i`, as the firmware's `<model>_quantize_u8()` takes them: HWC for an image, else in the
   * input's own order. A new array each time. Absent where the samples are not pixels.
   */
  pixels?(i: number): Uint8Array;
  /** The samples' values for the network's further inputs, in graph order; absent where it has one input. */
  readonly others?: readonly Dataset[];
}

/** A data set for each input of the network, in graph order. */
export function perInput(dataset: Dataset): readonly Dataset[] {
  return [dataset, ...(dataset.others ?? [])];
}

/** `batch` for each input of the network, in graph order. */
export function batches(dataset: Dataset, from: number, to: number): Float32Array[] {
  return perInput(dataset).map((input) => input.batch(from, to));
}

/** The labels of a data set that needs some, as accuracy does; rejects with `data-without-labels`. */
export function requireLabels(dataset: Dataset): Int32Array {
  if (dataset.labels !== undefined) return dataset.labels;
  throw reject({
    code: 'data-without-labels',
    message: 'Accuracy needs labels, and this data has none.',
    place: dataset.describe,
    hint: 'Use cifar10:FILE, an .npz with x and y, or a folder with one folder of images a class.',
  });
}
