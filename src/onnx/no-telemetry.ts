import process from 'node:process';

/**
 * ONNX Runtime's own builds note what models and machines they run on, with a device id in the user's cache. Nobody who compiles
 * firmware has asked for that. It must be loaded before the runtime is, so only `runtime.ts` imports either.
 */
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
