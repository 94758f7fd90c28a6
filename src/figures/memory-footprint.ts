import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, listOf } from "./format.js";
import { caption, PAPER_MEMORY, type MemoryFigure } from "./memory-footprint-caption.js";
import { asPoints, distinct, factsOf, finite, isDoubtful, isOk, type Point } from "./point.js";
import { memoryBars } from "./memory-bars.js";
import type { CrossoverMark } from "./scaling-spec.js";
import { GIB, memoryStacksSpec, type Segment, type Stack, type Total } from "./memory-stack.js";
import { refuseDuplicates } from "./settings.js";
import { sourced, sourceName, sourceTitle, type DrawOptions, type Sourced, type Sources } from "./sources.js";
import { MEMORY_COLORS } from "./theme.js";

/** Figure 5a of the paper: memory of a prefill against its length, a panel a model, on an RTX 4090. */
export const figure5a = (sources: Sources, options: DrawOptions = {}): Figure =>
  options.form === "faithful" ? memoryBars("5a", sources, options) : draw("5a", sources, options);

/** Figure 5b: the same on a Jetson Orin Nano. */
export const figure5b = (sources: Sources, options: DrawOptions = {}): Figure =>
  options.form === "faithful" ? memoryBars("5b", sources, options) : draw("5b", sources, options);

type Part = keyof typeof MEMORY_COLORS;
const PARTS = Object.keys(MEMORY_COLORS) as Part[];

/** Bytes of each part; the states are held twice, as `total_bytes` counts them. */
const BYTES_OF: Readonly<Record<Part, (point: Point) => number>> = {
  weights: ({ weights_bytes }) => weights_bytes ?? 0,
  "peak activations": ({ peak_activation_bytes }) => peak_activation_bytes ?? 0,
  "KV cache": ({ kv_cache_bytes }) => kv_cache_bytes ?? 0,
  "SSM and convolution states": (point) => 2 * ((point.ssm_state_bytes ?? 0) + (point.conv_state_bytes ?? 0)),
  "tables of positions": ({ table_bytes }) => table_bytes ?? 0,
};

/** One source as it is drawn. */
export interface Footprint extends Sourced<readonly Point[]> {
  readonly title: string;
  readonly models: ReadonlyMap<string, string>;
  readonly stacks: readonly Stack[];
}

function draw(number: MemoryFigure, sources: Sources, { layout = "wide", crossovers }: DrawOptions): Figure {
  const given = sourced(sources);
  const all = given.map((one) =>
    footprintOf(number, one, (one.source === "paper" ? crossovers?.paper : crossovers?.rows) ?? []),
  );
  const where = all.map(({ title }) => title).join("; ");
  return {
    name: `fig${number}-${sourceName(given)}`,
    title: `Figure ${number}: memory of a prefill, ${where}`,
    caption: caption(number, all),
    spec: specOf(number, all, layout),
  };
}

// Choosing what to draw.

function footprintOf(number: MemoryFigure, one: Sourced, crossovers: readonly CrossoverMark[]): Footprint {
  const points = asPoints(one.points).filter(
    (point) => point.prompt_tokens > 0 && (point.status === "oom" || hasTotal(point)),
  );
  refuseDuplicates(points, `Figure ${number}`);
  const present = distinct(points.map(({ model }) => model));
  // The paper's order, then what it does not show.
  const models = displayNames(
    distinct([...PAPER_MEMORY[number].models.filter((model) => present.includes(model)), ...present]),
  );
  const limits = factsOf(one.points, "limit");
  const longest = Math.max(...points.filter(hasTotal).map(({ prompt_tokens }) => prompt_tokens));
  const stacks = [...models].map(([model, name]): Stack => {
    const own = points.filter((point) => point.model === model);
    const limit = limits.find((row) => row.model === model);
    const oom = own.filter((point) => point.status === "oom").map((point) => point.prompt_tokens);
    const limitBytes =
      limit?.memory_limit_bytes ?? own.find((point) => point.memory_limit_bytes)?.memory_limit_bytes;
    const ok = own.filter(hasTotal).sort((a, b) => a.prompt_tokens - b.prompt_tokens);
    return {
      name,
      segments: ok.flatMap(segmentsOf),
      totals: ok.map(totalOf),
      // A next length beyond everybody's was not tried.
      failed: [...oom, ...[limit?.next_prompt_tokens ?? Infinity].filter((next) => next <= longest)].sort(
        (a, b) => a - b,
      ),
      limitGib: limitBytes == null ? null : limitBytes / GIB,
      crossings: crossovers
        .filter(({ faster }) => faster === model)
        .map((mark) => ({
          tokens: mark.prompt_tokens,
          lo: mark.prompt_tokens_lo ?? null,
          hi: mark.prompt_tokens_hi ?? null,
          than: models.get(mark.slower ?? "") ?? mark.slower ?? "another",
        })),
    };
  });
  return { source: one.source, points, title: sourceTitle(one), models, stacks };
}

const hasTotal = (point: Point): boolean => isOk(point) && finite(point.total_bytes) !== null;

/** The stack at one length. A part below 0, as the paper's Falcon-H1 has one, takes no room: the caption says so. */
function segmentsOf(point: Point): Segment[] {
  let top = 0;
  return PARTS.map((part) => {
    const from = top;
    top += Math.max(0, BYTES_OF[part](point)) / GIB;
    return { part, length: point.prompt_tokens, from, to: top };
  });
}

function totalOf(point: Point): Total {
  const [lo, hi] = [finite(point.total_bytes_lo), finite(point.total_bytes_hi)];
  const whole = lo !== null && hi !== null;
  return {
    length: point.prompt_tokens,
    gib: point.total_bytes! / GIB,
    lo: whole ? lo / GIB : null,
    hi: whole ? hi / GIB : null,
    doubtful: isDoubtful(point),
  };
}

// Drawing.

function specOf(number: MemoryFigure, all: readonly Footprint[], layout: Layout): JsonObject {
  const limited = all.some(({ stacks }) => stacks.some(({ limitGib }) => limitGib !== null));
  const names = listOf([...displayNames(PAPER_MEMORY[number].models).values()]);
  const missing = `There is nothing to draw: no row has total_bytes of a run that succeeded. The paper's figure has ${names}.`;
  return memoryStacksSpec(
    all.map(({ title, stacks }) => ({ title, stacks, missing })),
    {
      title: `Figure ${number}, memory of a prefill`,
      subtitle: [
        ...(all.length > 1 ? [] : [all[0]!.title]),
        `Stacked, in GiB over the prompt length; dots are the totals${limited ? "; dashed: memory of the device, or its budget" : ""}`,
        ...(all.some(({ stacks }) => stacks.some(({ crossings = [] }) => crossings.length > 0))
          ? ["Dotted, with its interval: from there on less than the other model"]
          : []),
        ...distinct(
          all.flatMap((one) => (one.stacks.some(({ failed }) => failed.length > 0) ? [crossWords(one)] : [])),
        ),
      ],
      colors: MEMORY_COLORS,
      layout,
    },
  );
}

const crossWords = ({ source }: Footprint): string =>
  source === "paper"
    ? "✕ next length that others have rows of; published activations are mostly logits of every position"
    : "✕ out of memory";
