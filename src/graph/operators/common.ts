/** [top, left, bottom, right] */
export type Pads = readonly [number, number, number, number];

/** [height, width] */
export type Pair = readonly [number, number];

/** A fused ReLU or Clip, in real units; ±Infinity where open. */
export interface Clamp {
  readonly lo: number;
  readonly hi: number;
}

/**
 * On operators without weights: present where the integers are those of ONNX Runtime's quantized operator, whose float32
 * operations are made in its order; else they are in fixed point.
 */
export type Float32Steps = 'float32';
