import { ledgerOf, type PixelBudget } from './ledger.ts';
import { bitsOf, floatOf, magnitude, type ScaleSearch } from './smallest-scale.ts';

/** Scales for channels of layers whose pixels keep their sums: the larger the scale, the narrower the sum's range. */
export function createPixelScaleSearch(length: number, pixels: PixelBudget): ScaleSearch {
  const accumulators = new Int32Array(length);
  const fits = (w: Float32Array, scale: number, limit: number) => {
    const ledger = ledgerOf({ accumulators, accumulatorCount: 1, budget: 0, limit, pixels });
    // Most scales that are tried are far too small, and don't get far.
    return w.every((v, k) => {
      ledger.book(k, 0, Math.sign(v) * magnitude(v, scale, limit));
      return ledger.isKept();
    });
  };
  return {
    power(w, least, { limit }) {
      let scale = least;
      while (!fits(w, scale, limit)) scale *= 2;
      return scale;
    },
    float(w, least, { limit }) {
      if (fits(w, least, limit)) return least;
      // At four times the largest weight all of them round to 0.
      let [failing, fitting] = [bitsOf(least), bitsOf(4 * w.reduce((most, v) => Math.max(most, Math.abs(v)), 0))];
      while (fitting - failing > 1) {
        const middle = (failing + fitting) >>> 1;
        if (fits(w, floatOf(middle), limit)) fitting = middle;
        else failing = middle;
      }
      return floatOf(fitting);
    },
  };
}
