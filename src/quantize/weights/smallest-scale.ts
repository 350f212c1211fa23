/** What the integers of one channel have to keep. */
export interface ChannelBounds {
  /** The largest magnitude of an integer weight: at most 255. */
  readonly limit: number;
  /** The largest Σ|q| in one accumulator; not negative. */
  readonly budget: number;
}

/** `Math.round` of magnitudes: halves away from zero, so that the rounded magnitude is monotone in the scale. */
export function magnitude(w: number, scale: number, limit: number): number {
  return Math.min(limit, Math.floor(Math.abs(w) / scale + 0.5));
}

/** Finds scales for channels whose products share the accumulators alike. */
export interface ScaleSearch {
  /** The smallest of `least`, 2·`least`, 4·`least`, … with which every accumulator of the channel keeps its budget. */
  power(w: Float32Array, least: number, bounds: ChannelBounds): number;
  /** The smallest float32 number from `least`, a normal one, on. */
  float(w: Float32Array, least: number, bounds: ChannelBounds): number;
}

/**
 * @param accumulators for each product of a channel the index of its accumulator
 * @param count of accumulators
 */
export function createScaleSearch(accumulators: Int32Array, count: number): ScaleSearch {
  const sums = new Int32Array(count);
  const bracket = createBracket(accumulators.length);
  /** The accumulator with the largest Σ|q|. */
  const fullest = (w: Float32Array, scale: number, limit: number): number => {
    sums.fill(0);
    for (let k = 0; k < w.length; k++) sums[accumulators[k]!]! += magnitude(w[k]!, scale, limit);
    let most = 0;
    for (let i = 1; i < count; i++) if (sums[i]! > sums[most]!) most = i;
    return most;
  };
  return {
    power(w, least, { limit, budget }) {
      let scale = least;
      // Ends: once the scale is above twice the largest weight, all of them round to 0.
      while (sums[fullest(w, scale, limit)]! > budget) scale *= 2;
      return scale;
    },
    float(w, least, bounds) {
      let scale = least;
      // An accumulator that fits keeps fitting as the scale grows, so each is searched once at most: mostly one or two are.
      for (;;) {
        const most = fullest(w, scale, bounds.limit);
        if (sums[most]! <= bounds.budget) return scale;
        fill(bracket, w, accumulators, most);
        scale = smallestFloat(bracket, scale, bounds);
      }
    },
  };
}

/** One accumulator's weights between a scale at which their sum is too large and one at which it fits. */
interface Bracket {
  /** The magnitudes, the first `open` of them, of the weights whose integers at the two ends differ. */
  readonly magnitudes: Float32Array;
  open: number;
  /** Σ|q| of the others: between the ends, as at them. */
  settled: number;
  /** Magnitudes of the integers at the ends, of the first `open` weights. */
  failing: Uint8Array;
  fitting: Uint8Array;
  /** For those of a scale in between. */
  spare: Uint8Array;
}

function createBracket(length: number): Bracket {
  const integers = () => new Uint8Array(length);
  const [failing, fitting, spare] = [integers(), integers(), integers()];
  return { magnitudes: new Float32Array(length), open: 0, settled: 0, failing, fitting, spare };
}

function fill(bracket: Bracket, w: Float32Array, accumulators: Int32Array, accumulator: number): void {
  let count = 0;
  for (let k = 0; k < w.length; k++) if (accumulators[k] === accumulator) bracket.magnitudes[count++] = Math.abs(w[k]!);
  bracket.open = count;
  bracket.settled = 0;
}

/**
 * Bisects over the float32 numbers. A weight with the same integer at both ends has it everywhere between them: as the
 * bracket shrinks, fewer and fewer weights are left to round.
 * @param scale at which the sum is too large
 */
function smallestFloat(bracket: Bracket, scale: number, { limit, budget }: ChannelBounds): number {
  const { magnitudes, open } = bracket;
  let largest = 0;
  for (let i = 0; i < open; i++) largest = Math.max(largest, magnitudes[i]!);
  let failing = bitsOf(scale);
  roundOpen(bracket, scale, limit, bracket.failing);
  // All weights round to 0 there.
  let fitting = bitsOf(4 * largest);
  bracket.fitting.fill(0, 0, open);
  settle(bracket);
  while (fitting - failing > 1) {
    const middle = (failing + fitting) >>> 1;
    const { spare } = bracket;
    if (roundOpen(bracket, floatOf(middle), limit, spare) > budget) {
      failing = middle;
      bracket.spare = bracket.failing;
      bracket.failing = spare;
    } else {
      fitting = middle;
      bracket.spare = bracket.fitting;
      bracket.fitting = spare;
    }
    settle(bracket);
  }
  return floatOf(fitting);
}

/** Rounds the open weights, and gives the sum of all of the accumulator's. */
function roundOpen({ magnitudes, open, settled }: Bracket, scale: number, limit: number, out: Uint8Array): number {
  let sum = settled;
  for (let i = 0; i < open; i++) {
    const q = magnitude(magnitudes[i]!, scale, limit);
    out[i] = q;
    sum += q;
  }
  return sum;
}

function settle(bracket: Bracket): void {
  const { magnitudes, open, failing, fitting } = bracket;
  let left = 0;
  let settled = 0;
  for (let i = 0; i < open; i++) {
    if (failing[i] === fitting[i]) {
      settled += failing[i]!;
      continue;
    }
    magnitudes[left] = magnitudes[i]!;
    failing[left] = failing[i]!;
    fitting[left] = fitting[i]!;
    left++;
  }
  bracket.open = left;
  bracket.settled += settled;
}

const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

/** Positive float32 numbers are ordered as their bit patterns are. */
export function bitsOf(x: number): number {
  asFloat[0] = x;
  return asBits[0]!;
}

export function floatOf(bits: number): number {
  asBits[0] = bits;
  return asFloat[0]!;
}
