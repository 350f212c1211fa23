import { reject } from '../core/diagnostics.ts';

/** Longer names make the generated code hard to read; numbers keep them apart. */
const longest = 40;

/** Headers of the C library and the compiler that a model's own, `include/<model>.h`, would hide from whoever includes them. */
const headers = new Set(
  `aio arm_neon assert complex ctype dirent dlfcn elf endian errno fcntl features fenv float getopt glob grp
   iconv inttypes iso646 limits link locale malloc math memory netdb poll pthread pwd regex sched search
   semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string
   strings tar termios tgmath threads time uchar unistd utime wchar wctype`.split(/\s+/),
);

/**
 * The prefix of every symbol of a model: lower case, of letters, digits and single underscores, as `all_cnn_c` for
 * `all-cnn-c`; `signal_model` for `signal`, a header of the C library. Rejects a name without a letter in it.
 */
export function modelPrefix(name: string): string {
  const words = sanitize(name).toLowerCase();
  if (!/[a-z]/.test(words)) {
    throw reject({
      code: 'bad-model-name',
      message: `no C name can be made from "${name}"`,
      place: '--name',
      hint: 'Give a name with a letter in it, as --name digits.',
    });
  }
  if (headers.has(words)) return `${words}_model`;
  return /^[0-9]/.test(words) ? `m${words}` : words;
}

/**
 * The part of a C name that tells what a layer is: `conv1_Conv` for `/conv1/Conv`. Empty for a name without letters
 * and digits. Not unique, and to be used with a prefix only, since it may be a keyword or begin with a digit.
 */
export function layerWord(name: string): string {
  // Converters from TFLite join the names of all that they fused; the first is the operator's own.
  const words = sanitize(name.split(';')[0] ?? name);
  if (words.length <= longest) return words;
  // The end of a path says more than its beginning.
  const end = words.slice(-longest);
  return words.at(-longest - 1) === '_' ? end : end.slice(end.indexOf('_') + 1);
}

/**
 * `digits_03_conv1_Conv`: the step's number makes it unique, and no API function begins with a number. Of a model whose name ends
 * in a number, `net_3_s04_conv`: it could be a layer of a model `net` otherwise.
 */
export function functionName(model: string, step: number, steps: number, layer: string): string {
  const letter = /_\d+$/.test(model) ? 's' : '';
  const number = letter + String(step).padStart(String(Math.max(0, steps - 1)).length, '0');
  return [model, number, layerWord(layer)].filter((part) => part !== '').join('_');
}

/** Joined by single underscores, so that no reserved name can come out; accents are dropped, all else that C does not take too. */
function sanitize(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
}
