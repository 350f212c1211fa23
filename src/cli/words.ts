import { Option } from 'commander';
import { reject } from '../core/diagnostics.ts';

/** Readers of one option's word. */

/** A parser for whole numbers in a range. */
export function wholeNumber(flag: string, least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    const message = `"${text}" is not a whole number ${range}`;
    throw reject({ code: 'bad-flag', message, place: flag, hint: `Give a whole number ${range}.` });
  };
}

/** Some of the words that are known, with or without their dash. Throws reject `bad-flag`. */
export function listOf<T extends string>(known: readonly T[], flag: string): (text: string) => T[] {
  return (text) =>
    text.split(',').map((word) => {
      const found = known.find((one) => one === word || one === `-${word}`);
      if (found !== undefined) return found;
      const message = `"${word}" is none of them`;
      throw reject({ code: 'bad-flag', message, place: flag, hint: `Use some of ${known.join(',')}.` });
    });
}

/** An option that is a list; its default is shown as it would be typed. */
export function listOption<T>(
  flags: string,
  description: string,
  parse: (text: string) => readonly T[],
  otherwise: string,
): Option {
  return new Option(flags, description).argParser(parse).default(parse(otherwise), otherwise);
}

/** For options that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
