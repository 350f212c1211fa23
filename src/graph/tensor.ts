export type TensorId = string;
export type NodeId = string;
export type Shape = readonly number[];

/** int64 tensors (shapes, axes) are held as Float64Array: their values are below 2^53. */
export type DType = 'float32' | 'int8' | 'uint8' | 'int32' | 'int64' | 'bool';
export type TensorData = Float32Array | Int8Array | Uint8Array | Int32Array | Float64Array;

/** `real = scale[c] · (q − zeroPoint)`, `q ∈ [qmin, qmax]` (DESIGN §3). One scale, or one for each index along `axis`. */
export interface QuantParams {
  /** float32 values, so that an ONNX file holds them exactly. */
  readonly scale: readonly number[];
  readonly zeroPoint: number;
  readonly qmin: number;
  readonly qmax: number;
  readonly axis?: number;
}

export interface Tensor {
  readonly id: TensorId;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Present for constants only. */
  readonly data?: TensorData;
  /** Present for quantized activations (int8) and weights (int8, symmetric, `axis` 0). */
  readonly quant?: QuantParams;
}
