import { open } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { type NeonarrowError, reject } from '../core/diagnostics.ts';

/** Where a tensor's bytes lie outside the model file (ONNX external data). */
export interface ExternalLocation {
  /** Relative to the model file's folder. */
  readonly file: string;
  readonly offset: number;
  /** undefined for the rest of the file. */
  readonly length: number | undefined;
}

/**
 * @param what the tensor, for messages
 * @param modelPath the model file
 * @throws reject `missing-external-data` where the file is missing, too short, or outside the model's folder
 */
export async function readExternal(at: ExternalLocation, what: string, modelPath: string): Promise<Uint8Array> {
  const relative = normalize(at.file);
  if (at.file === '' || isAbsolute(at.file) || relative.split(sep)[0] === '..') {
    throw missing(what, modelPath, `"${at.file}", which is not inside the model's folder`);
  }
  const path = join(dirname(modelPath), relative);
  try {
    const file = await open(path);
    try {
      const length = at.length ?? (await file.stat()).size - at.offset;
      const bytes = new Uint8Array(length);
      const { bytesRead } = await file.read(bytes, 0, length, at.offset);
      if (bytesRead !== length) {
        throw missing(what, modelPath, `${length} bytes at offset ${at.offset} of ${path}, which is shorter`);
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    throw missing(what, modelPath, `${path}, which does not exist`);
  }
}

function missing(what: string, place: string, where: string): NeonarrowError {
  return reject({
    code: 'missing-external-data',
    message: `the data of ${what} is in ${where}`,
    place,
    hint: 'Put the external data file next to the model, or save the model in one file (onnx.save_model).',
  });
}
