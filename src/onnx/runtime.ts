import './no-telemetry.ts';

/** ONNX Runtime, as all of neonarrow loads it: without its telemetry. */
export { InferenceSession, Tensor } from 'onnxruntime-node';
