import { reject } from '../core/diagnostics.ts';

/** Ways to get accuracy back without training, each of which can be left out. docs/quantization.md says what each gains. */
export const techniques = [
  'equalize',
  'wide-skips',
  'diffusion',
  'channel-diffusion',
  'pixel-sums',
  'descent',
  'feedback',
  'whole-error',
  'clamps',
  'bias',
] as const;

export type Technique = (typeof techniques)[number];

/** What each does, in a line. */
export const techniqueSummaries: Readonly<Record<Technique, string>> = {
  equalize: 'scale channels between layers',
  'wide-skips': 'narrow data for the layer that reads it only; additions keep 8 bits',
  diffusion: 'data are rounded with error diffusion, pixel by pixel',
  'channel-diffusion': 'diffusion, to other channels of the pixel, too',
  'pixel-sums':
    'channel-diffusion, and what pixels add up to is kept below what nearly all have: weights get more room',
  feedback: 'round weights with error feedback under the budget',
  descent: 'improve integer weights by coordinate descent under the budget',
  'whole-error': 'fit to the float network, not to the real weights: layers make up for those before them',
  clamps: 'errors that a clamp cuts off do not count',
  bias: 'correct biases by the mean error',
};

/** What gains something beyond the others, as measured; what more gained nothing is left to be asked for. */
export const defaultTechniques: ReadonlySet<Technique> = new Set([
  'feedback',
  'descent',
  'whole-error',
  'clamps',
  'bias',
]);

/**
 * What is done where nothing is asked for. NEON lanes of 16 bits that are flushed as often as it takes leave weights enough room: rounding
 * them to nearest cost All-CNN-C and ResNet-8 little or nothing, and fitting them takes long. Everywhere else the budget binds; below 16
 * bits it leaves data so few steps that diffusing their errors is worth its instructions: to other channels, which are the more, and with
 * limits on pixels, where an accumulator is a scalar anyway.
 */
export function automaticTechniques({ accBits, lanes, segments }: Room): ReadonlySet<Technique> {
  if (accBits < 16) return new Set([...defaultTechniques, lanes > 1 ? 'diffusion' : 'pixel-sums']);
  const roomy = lanes > 1 && typeof segments !== 'number';
  return roomy ? new Set<Technique>(['bias']) : defaultTechniques;
}

interface Room {
  readonly accBits: number;
  readonly lanes: number;
  readonly segments: number | 'auto' | 'flush';
}

/** How errors of data are diffused; undefined where they are not. */
export function diffusionAmong(chosen: ReadonlySet<Technique>): { readonly toChannels: boolean } | undefined {
  const toChannels = chosen.has('channel-diffusion') || chosen.has('pixel-sums');
  return toChannels || chosen.has('diffusion') ? { toChannels } : undefined;
}

/** Whether integers are fitted, or only rounded. */
export function fitsWeights(chosen: ReadonlySet<Technique>): boolean {
  return chosen.has('descent') || chosen.has('feedback');
}

/**
 * Reads `all`, `none`, `default`, or names to add and, after a minus sign, to leave out: `default,-equalize`, `none,bias`. A list
 * that does not begin with one of the three words starts from none.
 * @throws reject `bad-option`
 */
export function parseTechniques(text: string): ReadonlySet<Technique> {
  const chosen = new Set<Technique>();
  for (const word of text.split(',').map((part) => part.trim())) {
    if (word === 'none') chosen.clear();
    else if (word === 'all') for (const t of techniques) chosen.add(t);
    else if (word === 'default') for (const t of defaultTechniques) chosen.add(t);
    else if (word.startsWith('-')) chosen.delete(techniqueOf(word.slice(1)));
    else chosen.add(techniqueOf(word));
  }
  return chosen;
}

function techniqueOf(word: string): Technique {
  const found = techniques.find((t) => t === word);
  if (found !== undefined) return found;
  throw reject({
    code: 'bad-option',
    message: `"${word}" is no technique.`,
    place: '--techniques',
    hint: `Use all, none, default, or names, with a minus to leave one out: ${techniques.join(', ')}.`,
  });
}
