import { reject } from '../../core/diagnostics.ts';
import type { QuantizeOptions } from '../options.ts';
import type { Layer } from '../weights/layer.ts';
import { stepsOf } from './clipping.ts';
import type { ActivationGroup } from './groups.ts';

/**
 * Steps between the ends of a grid that are tried. Below 5 bits they stand closer than a bit apart, at last all of them: the budget
 * is ⌊(2^P − 1) / steps⌋, so there is nothing special about 2^bits − 1.
 */
const AUTO_STEPS = [255, 127, 63, 31, 22, 15, 12, 9, 7, 6, 5, 4, 3, 2];
/** Where accumulators are wide enough for whole bits. */
const WHOLE_BITS = [8, 7, 6, 5, 4, 3, 2].map(stepsOf);

/** The numbers of steps to try for a group. What no layer reads keeps 8 bits: it costs no accumulator anything. */
export function stepsOfGroup(
  group: ActivationGroup,
  layers: readonly Layer[],
  options: QuantizeOptions,
): readonly number[] {
  if (layers.length === 0 || group.natural === 'softmax') return [stepsOf(8)];
  const asked = layers.filter((l) => options.layers.get(l.node.origin.name)?.bits !== undefined);
  const widths = [...new Set((asked.length > 0 ? asked : layers).map((l) => l.options.bits))];
  const [width] = widths;
  if (widths.length === 1 && width !== undefined) return width === 'auto' ? autoSteps(group, layers) : [stepsOf(width)];
  const names = asked.map((l) => l.node.origin.name);
  throw reject({
    code: 'bad-option',
    message: `${names.join(' and ')} read the same data, so they can't have ${widths.join(' and ')} data bits.`,
    place: `--layer ${names.at(-1)}`,
    hint: 'Give these layers the same number of bits.',
  });
}

/** A function's own range is a power of two; and 16-bit lanes leave room enough for whole bits. */
function autoSteps({ natural }: ActivationGroup, layers: readonly Layer[]): readonly number[] {
  const roomy = layers.every(({ options: { accBits, lanes } }) => accBits >= 16 && lanes > 1);
  return roomy || natural !== undefined ? WHOLE_BITS : AUTO_STEPS;
}
