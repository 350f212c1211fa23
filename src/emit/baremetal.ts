import { renderC, templatesIn } from './render.ts';
import type { EmitContext, SourceFile } from './types.ts';

/** Folder of the start-up code, the linker script and what the harness needs of a C library. */
export const baremetalFolder = 'baremetal';

/** With `runtime: 'baremetal'`: what makes the harness a program that needs no operating system and no library. */
export function emitBaremetal({ layout, head, options }: EmitContext): SourceFile[] {
  if (layout.runtime !== 'baremetal') return [];
  const data = { ...head, title: `${options.graph.name} without an operating system` };
  const rendered = (folder: string): SourceFile[] =>
    templatesIn(folder)
      .filter((name) => name.endsWith('.hbs'))
      .map((name) => ({
        path: `${folder}/${name.replace('.hbs', '')}`,
        contents: renderC(`${folder}/${name}`, data),
      }));
  return [...rendered(baremetalFolder), ...rendered(`${baremetalFolder}/include`)];
}
