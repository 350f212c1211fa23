import type { ChannelUse } from './channels.ts';
import { svgOf } from './svg.ts';

/** How full each output channel's accumulator can get, as an SVG: a line of ticks for each layer. */
export function channelPicture(
  layers: readonly { readonly name: string; readonly channels: readonly ChannelUse[] }[],
): Promise<string> {
  const values = layers.flatMap(({ name, channels }) =>
    // Thousands of channels lie on each other.
    [...new Set(channels.map(({ use }) => Math.round(use * 1000) / 10))].map((use) => ({ name, use })),
  );
  return svgOf({
    width: 560,
    background: 'white',
    data: { values },
    mark: { type: 'tick', thickness: 1.5, color: '#4c78a8', opacity: 0.6 },
    encoding: {
      x: { field: 'use', type: 'quantitative', title: 'share of the window (%)', scale: { domain: [0, 100] } },
      y: { field: 'name', type: 'nominal', title: null, sort: null, axis: { labelLimit: 0 } },
    },
  });
}
