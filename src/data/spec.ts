import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { reject } from '../core/diagnostics.ts';

/** What a data spec names. Whether it exists is found out when it is read. */
export type DataSource =
  | { readonly kind: 'cifar10' | 'npy' | 'npz'; readonly path: string }
  | { readonly kind: 'folder' | 'list'; readonly path: string }
  | { readonly kind: 'raw'; readonly path: string; readonly element: 'f32' | 'i8' | 'u8' }
  | { readonly kind: 'random'; readonly count: number };

export const DATA_FORMS =
  'Data is one of: cifar10:FILE, FILE.npy, FILE.npz, a folder of PNG/JPEG images with one folder a class, FILE.txt (an image and its class a line), FILE.f32, FILE.i8, FILE.u8, random:N.';

/**
 * Reads `--calibrate` and `--evaluate`.
 *
 * @throws reject `bad-data-spec` for an unknown form
 */
export function parseDataSpec(spec: string): DataSource {
  const [, prefix, rest] = PREFIXED.exec(spec) ?? [];
  if (prefix === undefined) return fileSource(spec);
  if (prefix === 'cifar10' && rest) return { kind: 'cifar10', path: expandHome(rest) };
  if (prefix === 'random') return { kind: 'random', count: randomCount(spec, rest ?? '') };
  const message = prefix === 'cifar10' ? 'cifar10: names no file.' : `"${prefix}:" is not a kind of data.`;
  throw badSpec(spec, message);
}

/** The spec with a relative path taken from `folder`, for specs that stand in a recipe. */
export function resolveDataSpec(spec: string, folder: string): string {
  const [, prefix, rest] = PREFIXED.exec(spec) ?? [];
  if (prefix === 'random') return spec;
  const path = rest ?? spec;
  if (path === '' || isAbsolute(path) || path.startsWith('~/')) return spec;
  const joined = join(folder, path);
  return prefix === undefined ? joined : `${prefix}:${joined}`;
}

// Two letters at least: `C:\data` is a path.
const PREFIXED = /^([A-Za-z][A-Za-z0-9]+):(.*)$/s;

function fileSource(spec: string): DataSource {
  if (spec.trim() === '') throw badSpec(spec, 'No data is named.');
  const path = expandHome(spec);
  const extension = /\.([A-Za-z0-9]+)$/.exec(spec)?.[1]?.toLowerCase();
  switch (extension) {
    case 'npy':
    case 'npz':
      return { kind: extension, path };
    case 'txt':
      return { kind: 'list', path };
    case 'f32':
    case 'i8':
    case 'u8':
      return { kind: 'raw', path, element: extension };
    default:
      return { kind: 'folder', path };
  }
}

function randomCount(spec: string, text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && count <= 1_000_000) return count;
  throw badSpec(spec, `random: needs a number of samples from 1 to 1000000, as in random:64, not "${text}".`);
}

// The shell expands `~` at the start of a word only, so not in `cifar10:~/data.bin`.
function expandHome(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

function badSpec(spec: string, message: string) {
  return reject({ code: 'bad-data-spec', message, place: `data "${spec}"`, hint: DATA_FORMS });
}
