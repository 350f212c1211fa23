import type { Target } from '../targets/target.ts';
import { renderC, templateText } from './render.ts';

const template = 'armv7.c.hbs';

/** The intrinsics of AArch64 that Armv7 lacks: those that the template can define. */
function polyfills(): readonly string[] {
  return Array.from(templateText(template).matchAll(/{{#if uses\.(\w+)}}/g), ([, name]) => name!);
}

/**
 * Definitions of the intrinsics that a text uses and the target's NEON does not have.
 * @returns the empty text where the target has them all
 */
export function missingIntrinsics({ triple }: Target, text: string): string {
  if (triple !== 'arm-linux-gnueabihf') return '';
  const used = (name: string) => new RegExp(`\\b${name}\\b`).test(text);
  const uses = Object.fromEntries(polyfills().map((name) => [name, used(name)]));
  // One is made of the other.
  uses['vqtbx4q_s8'] ||= uses['vqtbl4q_s8'] === true;
  return Object.values(uses).some(Boolean) ? renderC(template, { uses }).trimEnd() : '';
}
