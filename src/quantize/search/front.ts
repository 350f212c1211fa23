/** One way to compute a layer, with what it costs. */
export interface Candidate<S = unknown> {
  readonly settings: S;
  /** What it adds to the squared error at the network's outputs, relative. */
  readonly error: number;
  /** Predicted instructions of the layer. */
  readonly instructions: number;
}

/**
 * What is chosen together: layers that read the same data, for which they have one width. Of its variants one is taken; in it, each
 * layer takes a candidate of its own.
 */
export interface Unit<S = unknown> {
  readonly variants: readonly (readonly (readonly Candidate<S>[])[])[];
}

/** A candidate for each layer, in the order of the units and of the layers in them. */
export interface Configuration<S = unknown> {
  readonly chosen: readonly Candidate<S>[];
  readonly error: number;
  readonly instructions: number;
}

/** The configuration with the least error + price · instructions: each unit by itself, since both add up. */
export function cheapestAt<S>(units: readonly Unit<S>[], price: number): Configuration<S> {
  return configurationOf(units.flatMap((unit) => bestVariant(unit, price)));
}

function bestVariant<S>({ variants }: Unit<S>, price: number): readonly Candidate<S>[] {
  const costOf = ({ error, instructions }: Candidate<S>) => error + price * instructions;
  const best = variants.map((layers) =>
    layers.map((candidates) => candidates.reduce((a, b) => (costOf(b) < costOf(a) ? b : a))),
  );
  const total = (chosen: readonly Candidate<S>[]) => chosen.reduce((sum, c) => sum + costOf(c), 0);
  return best.reduce((a, b) => (total(b) < total(a) ? b : a));
}

export function configurationOf<S>(chosen: readonly Candidate<S>[]): Configuration<S> {
  const sum = (of: (c: Candidate<S>) => number) => chosen.reduce((total, c) => total + of(c), 0);
  return { chosen, error: sum((c) => c.error), instructions: sum((c) => c.instructions) };
}

/**
 * The corners of the convex front of error against instructions, from the fewest instructions to the least error: all that some
 * price makes the best. Found by bisecting between two corners at the price at which both are as good.
 */
export function convexFront<S>(units: readonly Unit<S>[]): Configuration<S>[] {
  const least = cheapestAt(units, Number.MIN_VALUE);
  const fewest = cheapestAt(units, 1e30);
  if (fewest.instructions >= least.instructions) return [least];
  return [fewest, ...between(units, fewest, least), least];
}

function between<S>(units: readonly Unit<S>[], few: Configuration<S>, many: Configuration<S>): Configuration<S>[] {
  const price = (few.error - many.error) / (many.instructions - few.instructions);
  if (!(price > 0)) return [];
  const middle = cheapestAt(units, price);
  const costOf = (c: Configuration<S>) => c.error + price * c.instructions;
  // Nothing lies below the line through both.
  if (costOf(middle) >= costOf(few) * (1 - 1e-9)) return [];
  return [...between(units, few, middle), middle, ...between(units, middle, many)];
}

/** Of many points about `count`, the ends among them, whose errors are evenly spread on a logarithmic scale. */
export function thinned<S>(front: readonly Configuration<S>[], count: number): Configuration<S>[] {
  if (front.length <= count) return [...front];
  const [first, last] = [front[0]!, front.at(-1)!];
  const place = (c: Configuration<S>) => Math.log(c.error / first.error) / Math.log(last.error / first.error);
  const kept: Configuration<S>[] = [];
  for (const point of front) {
    if (kept.length === 0 || place(point) >= kept.length / (count - 1) || point === last) kept.push(point);
  }
  return kept;
}

/** Drops what another candidate beats in both. Sorted by instructions, ascending. */
export function undominated<S>(candidates: readonly Candidate<S>[]): Candidate<S>[] {
  const sorted = [...candidates].sort((a, b) => a.instructions - b.instructions || a.error - b.error);
  return sorted.filter((c, i) => sorted.slice(0, i).every((better) => better.error > c.error));
}
