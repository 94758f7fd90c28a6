import { UserError } from "../errors.js";
import type { Row } from "../record/schema.js";
import type { Figure, Layout } from "./figure.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { GIB, memoryStacksSpec, type Segment, type Stack } from "./memory-stack.js";
import { distinct, finite, isDoubtful, isOk, type Point } from "./point.js";
import { describeSettings, outOfMemory } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";
import { MEMORY_COLORS } from "./theme.js";

/** One run: a row of the schema that says its model and length. */
export type MemoryRun = Row & { model: string; prompt_tokens: number };

/** How the parts of memory are drawn. */
export interface MemoryPartsOptions {
  source?: Source;
  layout?: Layout;
}

const RUNTIME = "runtime and other";

const COLORS: Readonly<Record<string, string>> = {
  ...MEMORY_COLORS,
  "allocator's slack": "#56B4E9",
  [RUNTIME]: "#BBBBBB",
};

/** What the model asked for and the allocator's slack; the rest of the measured total is the runtime's. */
const BYTES_OF: readonly (readonly [part: string, bytes: (run: MemoryRun) => number])[] = [
  ["weights", ({ weights_bytes }) => weights_bytes ?? 0],
  ["peak activations", ({ peak_activation_bytes }) => peak_activation_bytes ?? 0],
  ["KV cache", ({ kv_cache_bytes }) => kv_cache_bytes ?? 0],
  ["SSM and convolution states", (run) => 2 * ((run.ssm_state_bytes ?? 0) + (run.conv_state_bytes ?? 0))],
  ["tables of positions", ({ table_bytes }) => table_bytes ?? 0],
  ["allocator's slack", ({ arena_slack_bytes }) => arena_slack_bytes ?? 0],
];

/** What a total was measured as, widest first, in words. */
const TOTALS = [
  ["process_device_bytes", "the growth of the GPU's memory in use since the process opened it (NVML)"],
  ["process_rss_bytes", "the resident memory of the process"],
  ["total_bytes", "what the model asks for, for the rows know no total of the process"],
] as const;
type Total = (typeof TOTALS)[number][0];

interface Run {
  readonly run: MemoryRun;
  readonly totalBytes: number;
  readonly column: Total;
  readonly segments: readonly Segment[];
  /** Parts beyond the measured total, in bytes: 0 where the stack adds up. */
  readonly beyondBytes: number;
}

/**
 * What the measured memory of a process went to, as a stack that adds up: weights, activations, caches, states, the
 * allocator's slack, and the rest of the total as the runtime's. Of several runs of a cell it shows the one with the
 * median total, for the parts of one run add up where medians of parts need not.
 *
 * @throws UserError when no run that succeeded has a total
 */
export function memoryPartsFigure(
  given: Listed<MemoryRun>,
  { source = "measured", layout = "wide" }: MemoryPartsOptions = {},
): Figure {
  const rows = listed(given).filter(({ prompt_tokens }) => prompt_tokens > 0);
  const ok = rows.filter((row) => isOk(row) && totalOf(row) !== null);
  if (ok.length === 0)
    throw new UserError(
      `no row of a run that succeeded has ${listOf(TOTALS.map(([column]) => column)).replace(" and ", " or ")}`,
    );
  const oom = rows.filter(({ status }) => status === "oom");
  const names = displayNames(distinct([...ok, ...oom].map(({ model }) => model)));
  const runs = [...names.keys()].map((model) => medianRuns(ok.filter((row) => row.model === model)));
  const stacks = [...names].map(([model, name], i): Stack => {
    const own = rows.filter((row) => row.model === model);
    const limit = own.find((row) => row.memory_limit_bytes)?.memory_limit_bytes;
    return {
      name,
      segments: runs[i]!.flatMap(({ segments }) => segments),
      totals: runs[i]!.map(({ run, totalBytes }) => ({
        length: run.prompt_tokens,
        gib: totalBytes / GIB,
        lo: null,
        hi: null,
        doubtful: isDoubtful(run),
      })),
      failed: distinct(
        own.filter(({ status }) => status === "oom").map(({ prompt_tokens }) => prompt_tokens),
      ).sort((a, b) => a - b),
      limitGib: limit == null ? null : limit / GIB,
    };
  });
  const all = runs.flat();
  const where = sourceTitle({ source, points: ok });
  const title = "Where the memory goes";
  return {
    name: `memory-parts-${source}`,
    title: `${title}, ${where}`,
    caption: caption(all, { ok, oom, source }),
    spec: memoryStacksSpec([{ title: where, stacks, missing: "no row" }], {
      title,
      subtitle: [
        where,
        `Stacked, in GiB over the prompt length; dots: the measured totals, which the parts add up to${beyond(all).length > 0 ? " but where the caption says" : ""}`,
        ...(oom.length > 0 ? ["✕ out of memory"] : []),
      ],
      colors: COLORS,
      layout,
    }),
  };
}

function totalOf(row: MemoryRun): { column: Total; bytes: number } | null {
  for (const [column] of TOTALS) {
    const bytes = finite(row[column]);
    if (bytes !== null) return { column, bytes };
  }
  return null;
}

/** The run of each length whose total is the median; of an even number the lower one of the two in the middle. */
function medianRuns(rows: readonly MemoryRun[]): Run[] {
  return distinct(rows.map(({ prompt_tokens }) => prompt_tokens))
    .sort((a, b) => a - b)
    .map((length) => {
      const sorted = rows
        .filter(({ prompt_tokens }) => prompt_tokens === length)
        .sort((a, b) => totalOf(a)!.bytes - totalOf(b)!.bytes);
      return runOf(sorted[Math.floor((sorted.length - 1) / 2)]!);
    });
}

function runOf(run: MemoryRun): Run {
  const { column, bytes: totalBytes } = totalOf(run)!;
  let top = 0;
  const segments = BYTES_OF.map(([part, bytesOf]): Segment => {
    const from = top;
    // A cache below 0, which a difference of two peaks can give, takes no room.
    top += Math.max(0, bytesOf(run)) / GIB;
    return { part, length: run.prompt_tokens, from, to: top };
  });
  const restBytes = totalBytes - top * GIB;
  const rest = Math.abs(restBytes) > ROUNDING * totalBytes ? restBytes : 0;
  segments.push({ part: RUNTIME, length: run.prompt_tokens, from: top, to: top + Math.max(0, rest) / GIB });
  return { run, totalBytes, column, segments, beyondBytes: Math.max(0, -rest) };
}

/** Share of a total: published parts are rounded to 0.01 MiB. */
const ROUNDING = 1e-4;

/** Runs whose parts exceed their total. */
const beyond = (all: readonly Run[]): Run[] => all.filter(({ beyondBytes }) => beyondBytes > 0);

function caption(
  all: readonly Run[],
  { ok, oom, source }: { ok: readonly MemoryRun[]; oom: readonly MemoryRun[]; source: Source },
): string {
  const names = displayNames(distinct(all.map(({ run }) => run.model)));
  const columns = distinct(all.map(({ column }) => column));
  const most = ok.length > all.length ? "of several runs the one with the median total; " : "";
  const sentences = [
    "What memory goes to against prompt length, a panel a model, all panels on the same axes, in GiB (2³⁰ bytes), the length logarithmic (1K is 1,024 tokens)",
    `Setting: ${describeSettings(ok) || "the rows state none"}`,
    `One run a length, ${most}areas join neighbouring lengths`,
    ...columns.map((column) => `The total is ${column}, ${TOTALS.find(([name]) => name === column)![1]}`),
  ];
  if (columns.some((column) => column !== "total_bytes"))
    sentences.push(
      `${RUNTIME[0]!.toUpperCase()}${RUNTIME.slice(1)} is the rest of the total, so that the stack equals it: the context of the device or Node.js with its libraries, packed weights, and what runs added outside the allocators`,
    );
  else if (source === "paper")
    sentences.push(
      "The published total is the sum of its parts; the paper measured no memory of the process, so nothing is left for a runtime",
    );
  sentences.push("SSM and convolution states are held twice");
  const wrong = beyond(all);
  for (const [model, name] of names) {
    const some = wrong.filter(({ run }) => run.model === model);
    if (some.length === 0) continue;
    const share = Math.max(...some.map(({ beyondBytes, totalBytes }) => (100 * beyondBytes) / totalBytes));
    sentences.push(
      `The parts of ${name} exceed its total at ${listOf(some.map(({ run }) => formatTokens(run.prompt_tokens)))} tokens, by at most ${share.toPrecision(2)}%`,
    );
  }
  sentences.push(...outOfMemory(oom as readonly Point[]).map((sentence) => `✕: ${sentence}`));
  if (all.some(({ run }) => isDoubtful(run)))
    sentences.push("Hollow dots: the measurement is marked as doubtful");
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}
