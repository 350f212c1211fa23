import type { Operand } from '../kernel.ts';
import type { Geometry } from './geometry.ts';

/** Output pixels that one pass of the inner loop computes, for four channels each. */
export interface Tile {
  readonly height: number;
  readonly width: number;
  /**
   * `block`: the pixels lie in a rectangle, at fixed distances from one pointer. `line`: the next pixels in row-major order,
   * across the ends of rows, with a pointer each, so that no width wastes pixels.
   */
  readonly shape: 'block' | 'line';
}

/** The output as the loops walk over it. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  /** Bytes of input between output pixels, and of output. */
  readonly inputRow: number;
  readonly inputPixel: number;
  readonly outputRow: number;
  readonly outputPixel: number;
}

/**
 * Four channels a tile. 4 pixels × 4 channels are 16 accumulators of 16 bits, which leaves registers for 32 bytes of each
 * pixel and the weights of two channels. With flushes, 3 pixels × 4 channels need 24 accumulators, and 8 registers are left.
 */
export const tileChannels = 4;
export const mostPixels = 4;
export const mostPixelsFlushed = 3;

export function pixelsOf({ height, width }: Tile): number {
  return height * width;
}

export function tilesOf(plane: Pick<Plane, 'height' | 'width'>, tile: Tile): number {
  if (tile.shape === 'line') return Math.ceil((plane.height * plane.width) / tile.width);
  return Math.ceil(plane.height / tile.height) * Math.ceil(plane.width / tile.width);
}

/**
 * The shape whose tiles cost least; those at the end overlap their neighbours (the same values are computed twice), so no
 * pixel needs code of its own.
 * @param cost instructions of one tile
 */
export function chooseTile(plane: Pick<Plane, 'height' | 'width'>, most: number, cost: (tile: Tile) => number): Tile {
  const costOf = (tile: Tile) => tilesOf(plane, tile) * cost(tile);
  return shapesFor(plane, most).reduce((best, tile) => (costOf(tile) < costOf(best) ? tile : best));
}

function shapesFor(plane: Pick<Plane, 'height' | 'width'>, most: number): Tile[] {
  const shapes: Tile[] = [];
  for (let pixels = most; pixels > 0; pixels--) {
    for (let height = 1; height <= pixels; height++) {
      if (pixels % height === 0) shapes.push({ height, width: pixels / height, shape: 'block' });
    }
    if (pixels > 1) shapes.push({ height: 1, width: pixels, shape: 'line' });
  }
  return shapes.filter(({ height, width, shape }) =>
    shape === 'line' ? width <= plane.height * plane.width : height <= plane.height && width <= plane.width,
  );
}

/** A 1×1 convolution over rows without borders between them walks over one long row. */
export function planeOf(g: Geometry, x: Operand, y: Operand): Plane {
  const plane: Plane = {
    height: g.outHeight,
    width: g.outWidth,
    inputRow: g.strides[0] * x.rowStride,
    inputPixel: g.strides[1] * x.pixelStride,
    outputRow: y.rowStride,
    outputPixel: y.pixelStride,
  };
  const flat = plane.inputRow === plane.width * plane.inputPixel && plane.outputRow === plane.width * plane.outputPixel;
  return flat && isPointwise(g) ? { ...plane, height: 1, width: plane.height * plane.width } : plane;
}

/** A guess before placements are known: pointwise layers without strides usually walk over one long row. */
export function likelyPlane(g: Geometry): Pick<Plane, 'height' | 'width'> {
  const flat = isPointwise(g) && g.strides[0] === 1 && g.strides[1] === 1;
  return flat ? { height: 1, width: g.outHeight * g.outWidth } : { height: g.outHeight, width: g.outWidth };
}

function isPointwise(g: Geometry): boolean {
  return g.kernel[0] === 1 && g.kernel[1] === 1;
}
