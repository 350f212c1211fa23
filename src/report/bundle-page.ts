import { grouped, percent } from '../core/format.ts';
import { must } from '../core/must.ts';
import type { Manifest } from '../emit/manifest.ts';
import { renderHtml } from '../emit/render.ts';
import type { LoadedBundle } from '../verify/load.ts';
import { benchView } from './bench-view.ts';
import { channelPicture } from './channel-picture.ts';
import { type LayerChannels, layerChannels, operandsText } from './channels.ts';
import { layerViews } from './layer-views.ts';
import type { Measured } from './measured.ts';
import { memoryPicture } from './memory-picture.ts';
import { verificationView } from './verification-view.ts';

/** What a page is made from. */
export interface ReportedBundle extends Measured, Pick<LoadedBundle, 'manifest' | 'graph' | 'plan'> {
  /** Files that are not as they were generated. */
  readonly altered: readonly string[];
}

export interface BundlePage {
  /** One page, with all that it shows in it. */
  readonly html: string;
  /** Output channels whose accumulators were proven, now, from the weights of the bundle. */
  readonly provenChannels: number;
  /** Those whose ranges are only measured. */
  readonly measuredChannels: number;
}

/**
 * A bundle as a page for people: what each layer computes and in which accumulators, the range of each channel's sum, the arena, the
 * files; and what was verified and counted, where it was.
 * @throws as `certify` does where the weights in the bundle do not keep its promises
 */
export async function bundlePage(bundle: ReportedBundle): Promise<BundlePage> {
  const { manifest, altered, verification, bench } = bundle;
  const narrow = narrowLayers(bundle);
  const count = (proven: boolean) =>
    narrow.reduce((sum, layer) => sum + (layer.proven === proven ? layer.channels.length / layer.taps : 0), 0);
  const [provenChannels, measuredChannels] = [count(true), count(false)];
  const { arena, files, model, options, target, version } = manifest;
  const html = renderHtml('report/bundle.html.hbs', {
    title: model.name,
    sha256: model.sha256,
    target,
    version,
    proof: proofText(provenChannels, measuredChannels),
    isProven: measuredChannels === 0,
    facts: factsOf(manifest),
    options: Object.entries(options).map(([name, value]) => ({ name, value: String(value) })),
    ports: manifest.ports.map(({ direction, name, parameter, tensor }) => ({
      direction,
      name,
      parameter,
      shape: tensor.shape.join('×'),
      formula: realText(tensor),
    })),
    layers: layerViews(manifest, bench),
    bench: bench === undefined ? false : benchView(bench),
    narrow: narrow.map(channelsView),
    channelPicture: narrow.length === 0 ? '' : await channelPicture(narrow),
    memoryPicture: await memoryPicture(manifest),
    memory: {
      bytes: grouped(arena.bytes),
      lowerBound: grouped(arena.lowerBound),
      isLeast: arena.bytes === arena.lowerBound,
    },
    verification: verification === undefined ? false : verificationView(verification, bundle),
    altered,
    files: files.map(({ path, bytes, sha256 }) => ({
      path,
      bytes: grouped(bytes),
      sha256,
      isAltered: altered.includes(path),
    })),
  });
  return { html, provenChannels, measuredChannels };
}

type NarrowLayer = LayerChannels & { readonly name: string };

/** The layers that are summed in narrow accumulators on this target, with the ranges of their channels. */
function narrowLayers({ manifest, graph, plan }: ReportedBundle): NarrowLayer[] {
  const channels = layerChannels(graph);
  return manifest.layers.flatMap(({ step, name, sums }) => {
    const planned = plan.steps.find((s) => s.index === step);
    if (sums?.worst === undefined || planned?.kind !== 'layer') return [];
    return [{ name, ...must(channels.get(planned.node.id), `ranges of ${name}`) }];
  });
}

function realText({ scale, zeroPoint }: Manifest['ports'][number]['tensor']): string {
  if (zeroPoint === 0) return `${scale} · q`;
  return `${scale} · (q ${zeroPoint < 0 ? '+' : '−'} ${Math.abs(zeroPoint)})`;
}

function proofText(proven: number, measured: number): string {
  if (proven + measured === 0) return 'Every layer is summed in 32 bits.';
  const all = `${grouped(proven)} of ${grouped(proven + measured)} output channels`;
  return measured === 0
    ? `No accumulator of any of the ${grouped(proven)} output channels can overflow, whatever the input: proven from the integer weights.`
    : `Proven for ${all}; the ranges of ${grouped(measured)} are only measured.`;
}

function factsOf({ layers, weightBytes, arena, stackBytes }: Manifest): { name: string; value: string }[] {
  const macs = layers.reduce((sum, layer) => sum + (layer.sums?.macs ?? 0), 0);
  return [
    { name: 'multiply-accumulates', value: grouped(macs) },
    { name: 'constants', value: `${grouped(weightBytes)} bytes` },
    { name: 'arena', value: `${grouped(arena.bytes)} bytes` },
    ...(stackBytes === undefined ? [] : [{ name: 'stack, at most', value: `${grouped(stackBytes)} bytes` }]),
  ];
}

function channelsView({ name, proven, bits, lanes, segments, operands, taps, channels }: NarrowLayer) {
  const inTaps = taps === 1 ? '' : `, ${taps} taps of a tile each`;
  return {
    name,
    count: `${grouped(channels.length / taps)} channels${inTaps}`,
    model: `${lanes}×${bits} bits${segments === 1 ? '' : `, ${segments} segments`}`,
    operands: operandsText(operands),
    how: proven ? 'proven' : 'measured',
    channels: channels.map(({ range, preload, use }, i) => ({
      channel: taps === 1 ? String(i) : `${Math.floor(i / taps)}, tap ${i % taps}`,
      lo: grouped(range.lo),
      hi: grouped(range.hi),
      preload: grouped(preload),
      use: percent(use, 1),
    })),
  };
}
