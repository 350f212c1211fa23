import sharp from 'sharp';
import { createRandom, type Random } from '../../src/core/random.ts';

/**
 * A JPEG of coloured rectangles over one another, of a photograph's size and either way up; the same for the same seed and
 * index.
 */
export async function randomPicture(seed: number, index: number): Promise<Uint8Array> {
  const random = createRandom(seed, index);
  const [long, short] = [random.int(300, 500), random.int(256, 299)];
  const [width, height] = random.int(0, 1) === 0 ? [long, short] : [short, long];
  const pixels = new Uint8Array(width * height * 3);
  fill(pixels, width, { left: 0, top: 0, right: width, bottom: height }, random);
  for (let i = random.int(5, 30); i > 0; i--) fill(pixels, width, rectangle(width, height, random), random);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function rectangle(width: number, height: number, random: Random): Rectangle {
  const [left, top] = [random.int(0, width - 1), random.int(0, height - 1)];
  return { left, top, right: random.int(left, width), bottom: random.int(top, height) };
}

/** One colour from edge to edge, darker towards the bottom. */
function fill(pixels: Uint8Array, width: number, { left, top, right, bottom }: Rectangle, random: Random): void {
  const colour = [random.int(0, 255), random.int(0, 255), random.int(0, 255)];
  for (let y = top; y < bottom; y++) {
    const light = 1 - (0.5 * (y - top)) / (bottom - top);
    for (let x = left; x < right; x++) {
      for (const [c, value] of colour.entries()) pixels[(y * width + x) * 3 + c] = value * light;
    }
  }
}
