import { type NeonarrowError, reject } from '../core/diagnostics.ts';

/** A picture's file and, where it is known, its class. */
export interface Picture {
  readonly path: string;
  readonly label?: number;
}

/** What is known of the classes: names to match folders and lists with, or at least how many there are. */
export interface KnownClasses {
  readonly classNames?: readonly string[] | undefined;
  readonly classes?: number | undefined;
}

/** @throws reject `not-an-image`: leaving it out silently would also leave out a class of .bmp files */
export function requirePicture(path: string): void {
  if (/\.(png|jpe?g)$/i.test(path)) return;
  throw notAnImage(path, 'It is no .png, .jpg or .jpeg file.', 'Move it out of the folder, or convert it to PNG.');
}

export function notAnImage(place: string, message: string, hint: string, cause?: unknown): NeonarrowError {
  return reject({ code: 'not-an-image', message, place, hint }, cause);
}
