import { CHEAPEST_CHUNK, cost, findModel, roofline, type Ceilings } from "../../src/models/index.js";
import type { Row } from "../../src/record/index.js";
import { median } from "../../src/stats/index.js";
import type { Metric, Target } from "./targets.js";

/** A line of peer_torch.py; columns that rows have too mean the same. */
export type PeerRow = Row & {
  readonly variant: string;
  readonly kernels?: string | null;
  readonly gpu?: string | null;
  readonly torch?: string | null;
  readonly transformers?: string | null;
  readonly ttft_samples_ms?: readonly number[];
  readonly tpot_samples_ms?: readonly number[];
  /** In use on the card after the samples, contexts included. */
  readonly device_used_bytes?: number;
  readonly peak_allocated_bytes?: number;
};

/** Medians of one engine at one length; null where it did not get there, and then why. */
export interface Side {
  readonly label: string;
  readonly samples: number;
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
  /** Device memory of the process at its peak; the allocators of both engines never give back. */
  readonly deviceBytes: number | null;
  /** "ok", or what happened instead. */
  readonly outcome: string;
}

export interface Verdict {
  readonly metric: Metric;
  /** In the unit of the metric. */
  readonly limit: number;
  readonly value: number;
  readonly met: boolean;
}

/** One line of the table. */
export interface BenchCell {
  readonly model: string;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly dtype: string;
  readonly ours: Side | null;
  /** The peer that targets speak of: eager PyTorch. */
  readonly peer: Side | null;
  /** The same with its decode step as a CUDA graph, where that was asked for. */
  readonly peerGraph: Side | null;
  readonly ttftRatio: number | null;
  readonly tpotRatio: number | null;
  /** Ours over the least time that the card allows, and that time. */
  readonly ttftRoofline: AgainstRoofline | null;
  readonly tpotRoofline: AgainstRoofline | null;
  readonly verdicts: readonly Verdict[];
}

export interface AgainstRoofline {
  readonly lowerBoundMs: number;
  readonly bound: "compute" | "memory";
  readonly ratio: number | null;
}

export interface JoinOptions {
  readonly targets: readonly Target[];
  /** Of the device measured; undefined where they are not known. */
  readonly ceilings: (device: string) => Ceilings | undefined;
}

/**
 * Rows of `run` and lines of the peer, in the order they were written, as one line a model, length and setting of ours.
 * Where one was measured again the later campaign, or the later line of the peer, stands alone.
 */
export function join(rows: readonly Row[], options: JoinOptions): BenchCell[] {
  const peers = new Map<string, PeerRow>();
  for (const row of rows) if (isPeer(row)) peers.set(`${row.variant} ${placeKey(placeOf(row))}`, row);
  const ours = latestSamples(rows.filter((row) => row.kind === "latency"));
  const measured = new Set(ours.map((samples) => placeKey(placeOf(samples[0]!))));
  const alone = [...peers.values()].map(placeOf).filter((place) => !measured.has(placeKey(place)));
  const places = [
    ...ours.map((samples) => ({ place: placeOf(samples[0]!), samples })),
    ...unique(alone).map((place) => ({ place, samples: [] })),
  ];
  return places
    .map(({ place, samples }) => joinCell(place, samples, peers, options))
    .sort((a, b) => Number(a.model > b.model) - Number(a.model < b.model) || a.promptTokens - b.promptTokens);
}

function joinCell(
  place: Place,
  samples: readonly Row[],
  peers: ReadonlyMap<string, PeerRow>,
  { targets, ceilings }: JoinOptions,
): BenchCell {
  const peerOf = (variant: string): Side | null => {
    const row = peers.get(`${variant} ${placeKey(place)}`);
    return row ? peerSide(row) : null;
  };
  const ours = samples.length > 0 ? ourSide(samples) : null;
  const peer = peerOf("eager");
  const device = samples[0]?.device ?? peers.get(`eager ${placeKey(place)}`)?.gpu;
  const known = device == null ? undefined : ceilings(device);
  const bounds = known && lowerBounds(place, known);
  return {
    ...place,
    ours,
    peer,
    peerGraph: peerOf("graph"),
    ttftRatio: ratio(ours?.ttftMs, peer?.ttftMs),
    tpotRatio: ratio(ours?.tpotMs, peer?.tpotMs),
    ttftRoofline: bounds ? { ...bounds.ttft, ratio: ratio(ours?.ttftMs, bounds.ttft.lowerBoundMs) } : null,
    tpotRoofline: bounds ? { ...bounds.tpot, ratio: ratio(ours?.tpotMs, bounds.tpot.lowerBoundMs) } : null,
    verdicts: targets
      .filter((target) => concerns(target, place))
      .flatMap((target) => judge(target, place, ours, peer)),
  };
}

/** What both engines must share to be compared. */
type Place = Pick<BenchCell, "model" | "promptTokens" | "newTokens" | "dtype">;

const isPeer = (row: Row): row is PeerRow => row.kind === "peer" && "variant" in row;

/** A peer that died early wrote no dtype: it is asked for fp16. */
const placeOf = (row: Row): Place => ({
  model: row.model ?? "",
  promptTokens: row.prompt_tokens ?? 0,
  newTokens: row.new_tokens ?? 0,
  dtype: row.dtype ?? "fp16",
});

const placeKey = ({ model, promptTokens, newTokens, dtype }: Place): string =>
  `${model} ${promptTokens} ${newTokens} ${dtype}`;

const unique = (places: readonly Place[]): Place[] => [
  ...new Map(places.map((place) => [placeKey(place), place])).values(),
];

/** The samples of each setting of ours, from the last campaign that measured it. */
function latestSamples(rows: readonly Row[]): Row[][] {
  const cells = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${placeKey(placeOf(row))} ${row.cell}`;
    const before = cells.get(key);
    if (before?.[0]?.campaign === row.campaign) before!.push(row);
    else cells.set(key, [row]);
  }
  return [...cells.values()];
}

function ourSide(rows: readonly Row[]): Side {
  const good = rows.filter((row) => row.status === "ok");
  const last = rows.at(-1)!;
  return {
    label: ["ours", last.ep, last.lowering, last.cuda_graph ? "CUDA graph" : null].filter(Boolean).join(", "),
    samples: good.length,
    ttftMs: medianOf(good.map((row) => row.ttft_ms)),
    tpotMs: medianOf(good.map((row) => row.tpot_ms)),
    deviceBytes: largest(good.map((row) => row.process_device_bytes)),
    outcome: good.length > 0 ? "ok" : outcomeOf(last),
  };
}

function peerSide(row: PeerRow): Side {
  const times = row.ttft_samples_ms ?? [];
  return {
    label: row.kernels ?? `${row.model} ${row.variant}`,
    samples: times.length,
    ttftMs: medianOf(times),
    tpotMs: medianOf(row.tpot_samples_ms ?? []),
    deviceBytes: row.device_used_bytes ?? null,
    outcome: row.status === "ok" ? "ok" : outcomeOf(row),
  };
}

const outcomeOf = ({ status, status_reason: reason }: Row): string =>
  reason ? `${status}: ${reason.split("\n", 1)[0]!.slice(0, 120)}` : (status ?? "no status");

const numbers = (values: readonly (number | null | undefined)[]): number[] =>
  values.filter((value): value is number => value != null);

function medianOf(values: readonly (number | null | undefined)[]): number | null {
  const known = numbers(values);
  return known.length > 0 ? median(known) : null;
}

function largest(values: readonly (number | null | undefined)[]): number | null {
  const known = numbers(values);
  return known.length > 0 ? Math.max(...known) : null;
}

const ratio = (value: number | null | undefined, to: number | null | undefined): number | null =>
  value == null || to == null ? null : value / to;

type Bound = Pick<AgainstRoofline, "lowerBoundMs" | "bound">;

const FLOAT_TYPE = { fp32: "float32", fp16: "float16", bf16: "bfloat16" } as const;

/** The least time to the first token, and for the middle one of the tokens after it. */
function lowerBounds(
  { model, promptTokens, newTokens, dtype: name }: Place,
  ceilings: Ceilings,
): { ttft: Bound; tpot: Bound } {
  const dtype = FLOAT_TYPE[name as keyof typeof FLOAT_TYPE];
  const known = findModel(model);
  const position = promptTokens + Math.floor(Math.max(0, newTokens - 2) / 2);
  const bound = (work: Parameters<typeof cost>[1]): Bound => {
    const { lowerBoundMs, bound } = roofline(cost(known, work), ceilings);
    return { lowerBoundMs, bound };
  };
  return {
    ttft: bound({ phase: "prefill", batch: 1, promptTokens, dtype, chunk: CHEAPEST_CHUNK }),
    tpot: bound({ phase: "decode", batch: 1, position, dtype }),
  };
}

const concerns = ({ model, fromTokens, toTokens }: Target, place: Place): boolean =>
  model === place.model && fromTokens <= place.promptTokens && place.promptTokens <= toTokens;

/** Without a value of ours a target is missed; without a peer to compare with there is no verdict. */
function judge({ metric, limit }: Target, place: Place, ours: Side | null, peer: Side | null): Verdict[] {
  const value = ours?.[metric];
  const allowed =
    "atMost" in limit
      ? limit.atMost
      : "perPromptToken" in limit
        ? limit.perPromptToken * place.promptTokens
        : peer?.[metric] == null
          ? null
          : limit.timesPeer * peer[metric];
  if (allowed == null || ours == null) return [];
  return [{ metric, limit: allowed, value: value ?? Infinity, met: value != null && value <= allowed }];
}
