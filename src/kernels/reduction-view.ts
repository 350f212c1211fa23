import type { Op } from '../graph/types.ts';
import type { Requantizer } from '../numeric/requantize.ts';
import type { ViewContext } from './kernel.ts';
import { requantizerView } from './requantizer-arrays.ts';

/** The C names of a reduction's constants, and how its sums are requantized: what the templates of all of them share. */
export function reductionView(context: Pick<ViewContext<Op>, 'arrayName' | 'packed'>, requantizer: Requantizer) {
  const array = (name: string) => context.arrayName(name);
  return {
    weights: array('weights'),
    bias: array('bias'),
    multiplier: array('multiplier'),
    shift: array('shift'),
    scale: array('scale'),
    offset: array('offset'),
    preload: array('preload'),
    preloadSum: array('preload_sum'),
    preloaded: context.packed.arrays.some(({ name }) => name === 'preload'),
    requantizer: requantizerView(requantizer),
  };
}
