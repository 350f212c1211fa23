import { describe, expect, it } from 'vitest';
import { classNamed, readClassNames, withClassNames } from '../../src/data/class-names.ts';
import { fileWriter, rejection, temporaryFolder } from './helpers.ts';

const folder = temporaryFolder();
const write = fileWriter(folder);

describe('a file of class names', () => {
  it('has one on each line, whatever ends the lines', async () => {
    const path = write('names.txt', '\uFEFFn01440764 tench, Tinca tinca\r\nn01443537 goldfish\r\n\r\n');
    expect(await readClassNames(path)).toEqual(['n01440764 tench, Tinca tinca', 'n01443537 goldfish']);
    expect(await withClassNames({ labelsFile: path, pixelScale: 1 })).toEqual({
      pixelScale: 1,
      labels: ['n01440764 tench, Tinca tinca', 'n01443537 goldfish'],
    });
    expect(await withClassNames({ labels: ['a'] })).toEqual({ labels: ['a'] });
  });

  it('is refused where it is missing, empty or has a hole', async () => {
    expect(await rejection(() => readClassNames(`${folder}/none.txt`), folder)).toBe(`\
error[labels-unreadable]: There is no such file.
  at none.txt
  hint: Give a text file with the name of a class on each line, in the order of the model’s outputs.`);
    expect(await rejection(() => readClassNames(folder))).toContain('error[labels-unreadable]: It cannot be read: ');
    expect(await rejection(() => readClassNames(write('empty.txt', '\n')), folder)).toContain('names no classes');
    expect(await rejection(() => readClassNames(write('hole.txt', 'a\n\nb\n')), folder)).toContain('Line 2 is empty.');
  });
});

describe('classNamed', () => {
  it('finds a class by its whole name before its first word, and none by a word of several', () => {
    expect(classNamed('dog', ['dog Canis', 'dog'])).toBe(1);
    expect(classNamed('dog', ['cat', 'dog Canis'])).toBe(1);
    expect(classNamed('dog', ['dog big', 'dog small'])).toBe(-1);
    expect(classNamed('do', ['dog'])).toBe(-1);
  });
});
