import { isIdentityPermutation } from '../graph/shape.ts';
import type { ReshapeOp, Shape, TransposeOp } from '../graph/types.ts';

type View = TransposeOp | ReshapeOp;

/** A piece of an axis: reshapes split axes into pieces and join pieces to axes, transposes put them in another order. */
interface Piece {
  readonly extent: number;
}

/**
 * A chain of views as a single permutation between two reshapes: that of the pieces into which the reshapes split the
 * axes. A channel shuffle, seen channels-last, so only swaps the two factors of its channels.
 * @returns undefined where a reshape mixes axes without splitting them
 */
export function onePermutation(shape: Shape, chain: readonly View[]): View[] | undefined {
  let start: readonly Piece[] = shape.map((extent) => ({ extent }));
  let axes: readonly (readonly Piece[])[] = start.map((piece) => (piece.extent === 1 ? [] : [piece]));
  start = start.filter((piece) => piece.extent !== 1);
  for (const view of chain) {
    if (view.kind === 'transpose') {
      axes = view.perm.map((axis) => axes[axis]!);
      continue;
    }
    const joined = regroup(axes.flat(), view.shape);
    if (joined === undefined) return undefined;
    axes = joined.axes;
    start = start.flatMap((piece) => joined.split.get(piece) ?? [piece]);
  }
  const final = chain.reduce((s, v) => (v.kind === 'transpose' ? v.perm.map((axis) => s[axis]!) : v.shape), shape);
  return written(start, axes.flat(), final);
}

interface Regrouped {
  readonly axes: readonly (readonly Piece[])[];
  /** Pieces that were split, and what they are now. */
  readonly split: ReadonlyMap<Piece, readonly Piece[]>;
}

function regroup(pieces: readonly Piece[], shape: Shape): Regrouped | undefined {
  const rest = [...pieces];
  const split = new Map<Piece, readonly Piece[]>();
  /** The piece of the file of pieces that a rest was cut from. */
  const origin = new Map<Piece, Piece>();
  const axes: Piece[][] = [];
  for (const extent of shape) {
    const axis: Piece[] = [];
    for (let open = extent; open > 1; ) {
      const next = rest.shift();
      if (next === undefined) return undefined;
      if (open % next.extent === 0) {
        axis.push(next);
        open /= next.extent;
        continue;
      }
      if (next.extent % open !== 0) return undefined;
      const [head, tail]: [Piece, Piece] = [{ extent: open }, { extent: next.extent / open }];
      const whole = origin.get(next) ?? next;
      split.set(whole, [...(split.get(whole)?.slice(0, -1) ?? []), head, tail]);
      origin.set(tail, whole);
      axis.push(head);
      rest.unshift(tail);
      open = 1;
    }
    axes.push(axis);
  }
  return { axes, split };
}

/** Pieces that are neighbours at the start and at the end are one axis of the transpose. */
function written(start: readonly Piece[], end: readonly Piece[], final: Shape): View[] {
  const order = end.map((piece) => start.indexOf(piece));
  if (isIdentityPermutation(order)) return [{ kind: 'reshape', shape: final }];
  const begins = (place: number): boolean => {
    const at = order.indexOf(place);
    return at === 0 || order[at - 1] !== place - 1;
  };
  const extents: number[] = [];
  const axisOf: number[] = [];
  start.forEach((piece, place) => {
    if (begins(place)) extents.push(piece.extent);
    else extents[extents.length - 1]! *= piece.extent;
    axisOf.push(extents.length - 1);
  });
  const perm = order.filter(begins).map((place) => axisOf[place]!);
  return [
    { kind: 'reshape', shape: extents },
    { kind: 'transpose', perm },
    { kind: 'reshape', shape: final },
  ];
}
