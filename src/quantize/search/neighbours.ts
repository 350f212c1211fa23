import { type Candidate, type Configuration, configurationOf, type Unit } from './front.ts';
import type { NamedSettings } from './settings.ts';

/** Configurations in which one unit differs. */
export function neighbours(
  units: readonly Unit<NamedSettings>[],
  { chosen }: Configuration<NamedSettings>,
): Configuration<NamedSettings>[] {
  return units.flatMap(({ variants }) =>
    variants.flatMap((layers) =>
      layers.flatMap((candidates, i) => {
        const others = layers.flatMap((own, j) => (j === i ? [] : [nearest(own, chosen)]));
        return candidates.map((candidate) => configurationOf(replaced(chosen, [candidate, ...others])));
      }),
    ),
  );
}

/** Of a layer's candidates at other data bits the one with the same accumulator, else the most accurate. */
function nearest(own: readonly Candidate<NamedSettings>[], chosen: readonly Candidate<NamedSettings>[]) {
  const now = chosen.find((c) => c.settings.name === own[0]!.settings.name);
  const same = own.find(
    ({ settings: { override } }) =>
      override.accBits === now?.settings.override.accBits &&
      override.segments === now?.settings.override.segments &&
      override.winograd === now?.settings.override.winograd,
  );
  return same ?? own.at(-1)!;
}

function replaced(chosen: readonly Candidate<NamedSettings>[], others: readonly Candidate<NamedSettings>[]) {
  const byName = new Map(others.map((c) => [c.settings.name, c]));
  return chosen.map((c) => byName.get(c.settings.name) ?? c);
}
