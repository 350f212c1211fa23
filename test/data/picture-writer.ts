import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

export type Colour = readonly [number, number, number];

export const RED: Colour = [200, 0, 0];
export const GREEN: Colour = [0, 150, 0];
export const BLUE: Colour = [0, 0, 100];

/** Writes pictures of vertical stripes into a folder, each stripe 4 pixels wide and `height` high. */
export function pictureWriter(folder: string) {
  return async (
    name: string,
    stripes: readonly Colour[],
    format: 'png' | 'jpeg' = 'png',
    height = 4,
  ): Promise<void> => {
    const width = stripes.length * 4;
    const data = Uint8Array.from(
      { length: width * 3 * height },
      (_, i) => stripes[Math.floor(i / 12) % stripes.length]?.[i % 3] ?? 0,
    );
    const image = sharp(data, { raw: { width, height, channels: 3 } });
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), await (format === 'png' ? image.png() : image.jpeg({ quality: 100 })).toBuffer());
  };
}
