import { extentOf, type PixelBudget } from './ledger.ts';
import { bitsOf, floatOf, magnitude, type ScaleSearch } from './smallest-scale.ts';

/** Scales for channels of layers whose pixels keep their sums: the larger the scale, the narrower the sum's range. */
export function createPixelScaleSearch(pixels: PixelBudget): ScaleSearch {
  const fits = (w: Float32Array, scale: number, limit: number) =>
    extentOf(
      Int16Array.from(w, (v) => Math.sign(v) * magnitude(v, scale, limit)),
      pixels,
    ) <= pixels.extent;
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
