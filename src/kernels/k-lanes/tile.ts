import type { Operand } from '../kernel.ts';
import type { Geometry } from './geometry.ts';

/** Output pixels that one pass of the inner loop computes, for four channels each. */
export interface Tile {
  readonly height: number;
  readonly width: number;
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

/** Four channels a tile: 4 pixels × 4 channels are 16 accumulators, which leaves 16 registers for 32 bytes of each operand. */
export const tileChannels = 4;

const shapes: readonly Tile[] = [
  { height: 1, width: 4 },
  { height: 2, width: 2 },
  { height: 4, width: 1 },
  { height: 1, width: 3 },
  { height: 3, width: 1 },
  { height: 1, width: 2 },
  { height: 2, width: 1 },
  { height: 1, width: 1 },
];

/** Instructions of one pass over 32 bytes of K: products, loads (weights in pairs, pixels in pairs), loop. */
export function instructionsPerPass(pixels: number): number {
  return pixels * 16 + 4 + pixels + 1;
}

/** Epilogue of a tile: reduction tree, requantization, stores, addressing. */
export function epilogueInstructions(pixels: number): number {
  return 24 + pixels * 16;
}

export function tilesOf(plane: Pick<Plane, 'height' | 'width'>, tile: Tile): number {
  return Math.ceil(plane.height / tile.height) * Math.ceil(plane.width / tile.width);
}

/** Predicted instructions of one tile of output pixels over `steps` blocks of 16 products. */
export function tileCost(tile: Tile, steps: number): number {
  const pixels = tile.height * tile.width;
  return (steps / 2) * instructionsPerPass(pixels) + epilogueInstructions(pixels);
}

/**
 * The shape whose tiles cost least; those at the end overlap their neighbours (the same values are computed twice), so no
 * pixel needs code of its own.
 */
export function chooseTile(plane: Pick<Plane, 'height' | 'width'>, steps: number): Tile {
  const fitting = shapes.filter((t) => t.height <= plane.height && t.width <= plane.width);
  const costOf = (t: Tile) => tilesOf(plane, t) * tileCost(t, steps);
  return fitting.reduce((best, t) => (costOf(t) < costOf(best) ? t : best));
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

export function isPointwise(g: Geometry): boolean {
  return g.kernel[0] === 1 && g.kernel[1] === 1;
}
