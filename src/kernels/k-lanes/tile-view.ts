import { type Plane, pixelsOf, type Tile, tilesOf } from './tile.ts';
import { stepProducts } from './walk.ts';

/**
 * How the tiles lie on the output, and where each of their pixels is read and written.
 * @param ownPointers each pixel is read through a pointer of its own, whatever the tile's shape
 */
export function tileView(plane: Plane, tile: Tile, ownPointers = false) {
  const line = tile.shape === 'line';
  const pointed = line || ownPointers;
  const pixels = Array.from({ length: pixelsOf(tile) }, (_, i) => {
    const [row, column] = [Math.floor(i / tile.width), i % tile.width];
    const input = row * plane.inputRow + column * plane.inputPixel;
    const output = row * plane.outputRow + column * plane.outputPixel;
    return {
      index: i,
      from: pointed ? `p${i}` : plus('p', input),
      second: pointed ? `p${i} + 16` : plus('p', input + stepProducts),
      corner: plus('p', input),
      stored: line ? `to${i}` : plus('to', output),
    };
  });
  const last = pixels.length - 1;
  const count = plane.height * plane.width;
  const [lastRow, lastColumn] = [
    Math.floor((count - pixels.length) / plane.width),
    (count - pixels.length) % plane.width,
  ];
  return {
    plane,
    line,
    tileText: line ? `${tile.width} pixels in line` : `${tile.height}x${tile.width} pixels`,
    tileHeight: tile.height,
    tileWidth: tile.width,
    tileCount: tilesOf(plane, tile),
    /** One tile needs no loops, one row of tiles only one. */
    alone: tilesOf(plane, tile) === 1,
    oneRow: plane.height === tile.height,
    lastRow: plane.height - tile.height,
    lastColumn: plane.width - tile.width,
    overlapRows: plane.height % tile.height !== 0,
    overlapColumns: plane.width % tile.width !== 0,
    pixels,
    /** Where the pixels' own pointers are set from the block's. */
    setsPointers: ownPointers && !line,
    pointers: pointed ? pixels.map(({ index }) => `p${index}`) : ['p'],
    // Four sums are narrowed at once; where the tile has fewer, the last one fills up.
    repeats: last < 3,
    quad: [0, 1, 2, 3].map((i) => Math.min(i, last)),
    lines: {
      count,
      // From the end of a row of output pixels to the next one's beginning.
      inputGap: plane.inputRow - plane.width * plane.inputPixel,
      outputGap: plane.outputRow - plane.width * plane.outputPixel,
      overlap: count % pixels.length !== 0,
      last: count - pixels.length,
      lastColumn,
      lastInput: lastRow * plane.inputRow + lastColumn * plane.inputPixel,
      lastOutput: lastRow * plane.outputRow + lastColumn * plane.outputPixel,
    },
  };
}

export function plus(pointer: string, offset: number): string {
  return offset === 0 ? pointer : `${pointer} + ${offset}`;
}
