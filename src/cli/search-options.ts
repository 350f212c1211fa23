import type { Command } from 'commander';
import { Option } from 'commander';
import { reject } from '../core/diagnostics.ts';
import { grouped, percent } from '../core/format.ts';
import { requireWritable, writeFileSafely } from '../core/write-file.ts';
import type { LayerOverride } from '../quantize/options.ts';
import type { Trial } from '../quantize/search/trial.ts';
import { defaultCacheFolder } from '../stages/evaluation-cache.ts';
import type { SearchKind, SearchResult, SearchSettings } from '../stages/search.ts';

export interface SearchFlags {
  readonly search?: SearchKind;
  readonly maxDrop?: number;
  readonly maxInstructions?: number;
  readonly front?: string;
  readonly cache: string | false;
}

export function withSearchOptions(command: Command): Command {
  return command
    .optionsGroup('Search:')
    .addOption(
      new Option(
        '--search <kind>',
        'choose widths by accuracy on held-out calibration samples: layer-wise (the paper), global (against instructions)',
      ).choices(['layer-wise', 'global']),
    )
    .option('--max-drop <points>', 'fewest predicted instructions that lose at most so many points of accuracy', points)
    .option(
      '--max-instructions <n>',
      'the best accuracy within so many predicted instructions, e.g. 12e6',
      instructions,
    )
    .option('--front <file>', 'write the front of accuracy against instructions, .json or .csv')
    .option('--cache <dir>', 'where a search keeps finished evaluations', defaultCacheFolder)
    .option('--no-cache', 'evaluate everything anew');
}

/** What the flags ask for; undefined where nothing is to be searched. Throws reject `bad-flag`, `unwritable-output`. */
export async function searchOf(flags: SearchFlags): Promise<SearchSettings | undefined> {
  const { search, maxDrop, maxInstructions, front } = flags;
  const asked = search ?? (maxDrop ?? maxInstructions ?? front) !== undefined;
  if (asked === false) return undefined;
  if (front !== undefined) {
    if (!/\.(json|csv)$/.test(front)) throw badFront(front);
    await requireWritable(front);
  }
  return {
    kind: search ?? 'global',
    goal: {
      ...(maxDrop !== undefined && { maxDrop: maxDrop / 100 }),
      ...(maxInstructions !== undefined && { maxInstructions }),
    },
    cache: flags.cache === false ? undefined : flags.cache,
  };
}

/** What the manifest says about a search. */
export function searchEntries({ search, maxDrop, maxInstructions }: SearchFlags): Record<string, string | number> {
  return {
    ...(search !== undefined && { search }),
    ...(maxDrop !== undefined && { maxDrop }),
    ...(maxInstructions !== undefined && { maxInstructions }),
  };
}

/** The layers' reports; where a search chose, it is the reason. */
export function withReasons<L extends { readonly name: string }>(
  layers: readonly L[],
  search: SearchResult | undefined,
): readonly L[] {
  if (search === undefined) return layers;
  const why = `search: ${search.reason}`;
  return layers.map((layer) => (search.chosen.layers.has(layer.name) ? { ...layer, why } : layer));
}

/** What `--json` says of a search. */
export function searchJson({ samples, labelled, floatScore, chosen, front }: SearchResult): object {
  const point = (trial: Trial) => pointOf(trial, floatScore);
  return { samples, labelled, floatScore, chosen: point(chosen), front: front.map(point) };
}

function pointOf({ instructions, score, layers }: Trial, floatScore: number) {
  return { instructions, score, drop: floatScore - score, layers: Object.fromEntries(layers) };
}

export async function writeFront(path: string | undefined, result: SearchResult): Promise<void> {
  if (path === undefined) return;
  await writeFileSafely(
    path,
    path.endsWith('.csv') ? csvOf(result) : `${JSON.stringify(searchJson(result), null, 2)}\n`,
  );
}

function csvOf({ front, floatScore }: SearchResult): string {
  const lines = front.map(({ instructions, score, layers }) => {
    const settings = [...layers].map(([name, override]) => `${name}=${settingsText(override)}`).join(' ');
    return [instructions, score, floatScore - score, `"${settings.replaceAll('"', '""')}"`].join(',');
  });
  return `${['instructions,score,drop,layers', ...lines].join('\n')}\n`;
}

/** As `--layer NAME=…` takes it. */
function settingsText({ bits, weightBits, segments, accBits, winograd }: LayerOverride): string {
  const settings = { bits, 'weight-bits': weightBits, segments, 'acc-bits': accBits, winograd };
  return Object.entries(settings)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}:${value}`]))
    .join(',');
}

export function searchText(result: SearchResult): string {
  const { samples, labelled, floatScore, chosen, front } = result;
  const line = ({ instructions, score, layers }: Trial) => {
    const mark = layers === chosen.layers ? '  ← chosen' : '';
    const drop = ((floatScore - score) * 100).toFixed(2);
    return `  ${grouped(Math.round(instructions)).padStart(15)} ${percent(score).padStart(9)} ${drop.padStart(7)}${mark}`;
  };
  const what = labelled ? 'top-1' : 'agreement with float';
  return [
    `Predicted instructions, ${what} and points lost on ${grouped(samples)} held-out calibration samples:`,
    ...front.map(line),
  ].join('\n');
}

function points(text: string): number {
  return positive('--max-drop', text, 'Give points of accuracy, e.g. --max-drop 0.5.', 0);
}

function instructions(text: string): number {
  return positive('--max-instructions', text, 'Give a number, e.g. --max-instructions 12e6.', 1);
}

function positive(place: string, text: string, hint: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
  throw reject({ code: 'bad-flag', message: `"${text}" is not a number of at least ${least}`, place, hint });
}

function badFront(path: string) {
  const message = `"${path}" is neither .json nor .csv`;
  return reject({ code: 'bad-flag', message, place: '--front', hint: 'It looks like --front front.json.' });
}
