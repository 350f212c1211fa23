import { type Command, Option } from 'commander';
import { reject } from '../core/diagnostics.ts';
import { type BundleLayout, defaultLayout } from '../emit/layout.ts';

/** How the bundle is laid out: the flags of `build` and `compile`. */
export interface LayoutFlags {
  readonly arena: BundleLayout['arena'];
  readonly weights: BundleLayout['weights'];
  readonly runtime: BundleLayout['runtime'];
  readonly maxFileSize?: number;
  readonly license?: string;
  readonly copyright?: string;
}

export function withLayoutOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--arena <whose>', 'working memory: from the caller, or static in the generated code')
        .choices(['caller', 'static'])
        .default('caller'),
    )
    .addOption(
      new Option('--weights <form>', 'constants: c, incbin, binary (a file that the program loads), or auto: by size')
        .choices(['auto', 'c', 'incbin', 'binary'])
        .default('auto'),
    )
    .addOption(
      new Option('--runtime <kind>', 'baremetal: also start-up code, linker script and a harness without an OS')
        .choices(['hosted', 'baremetal'])
        .default('hosted'),
    )
    .option('--max-file-size <n>', 'cut longer C files into parts, e.g. 500K or 2M', fileSize)
    .option('--license <id>', 'SPDX licence of the generated files, e.g. MIT')
    .option('--copyright <text>', 'copyright line of the generated files, e.g. "2026 Example Ltd."');
}

export function layoutOf({ arena, weights, runtime, maxFileSize, license, copyright }: LayoutFlags): BundleLayout {
  return {
    arena,
    weights,
    runtime,
    ...(maxFileSize !== undefined && { maxFileBytes: maxFileSize }),
    ...(license !== undefined && { license: licenseExpression(license) }),
    ...(copyright !== undefined && { copyright }),
  };
}

/** What differs from the defaults, for the manifest. */
export function layoutEntries(layout: BundleLayout): Record<string, string | number | boolean> {
  const entries = Object.entries(layout).filter(([name, value]) => value !== { ...defaultLayout }[name]);
  return Object.fromEntries(entries);
}

const units = { '': 1, K: 2 ** 10, M: 2 ** 20 } as const;
/** The least that a function, or a few rows of numbers, can do with. */
const leastFile = 4096;

function fileSize(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+)([KM]?)$/i.exec(text) ?? [];
  const bytes = Number(digits) * units[unit.toUpperCase() as keyof typeof units];
  if (digits !== '' && bytes >= leastFile) return bytes;
  throw reject({
    code: 'bad-flag',
    message: `"${text}" is not a size of at least ${leastFile} bytes`,
    place: '--max-file-size',
    hint: 'It looks like --max-file-size 500K.',
  });
}

/** An SPDX licence expression, by its characters; a list of identifiers would be old soon. */
function licenseExpression(text: string): string {
  if (/^[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*$/.test(text)) return text;
  throw reject({
    code: 'bad-flag',
    message: `"${text}" is not an SPDX licence expression`,
    place: '--license',
    hint: 'It looks like --license MIT, or --license "Apache-2.0 OR MIT"; your own is LicenseRef-Name.',
  });
}
