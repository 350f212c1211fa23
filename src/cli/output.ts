import process from 'node:process';

/**
 * What a command says. With `--json` exactly one object goes to stdout; without, a text for people does. Everything
 * else (progress, notes) goes to stderr, so that stdout can be piped.
 */
export function printResult(json: boolean, result: object, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${text().trimEnd()}\n`);
}

/** cli-table3 options for a table without lines, as `ls -l` and `docker ps` print. */
export const plainTable = {
  chars: {
    ...Object.fromEntries(
      ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left']
        .concat(['left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
        .map((part) => [part, '']),
    ),
    middle: '  ',
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};

/** The table without the blanks that fill the last column. */
export function tableText(table: { toString(): string }): string {
  return table.toString().replaceAll(/ +$/gm, '');
}
