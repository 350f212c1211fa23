import process from 'node:process';

/**
 * ONNX Runtime's own builds note what models and machines they run on, with a device id in the user's cache, to be sent. Nobody who
 * compiles firmware has asked for that. To be loaded before the runtime is.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
