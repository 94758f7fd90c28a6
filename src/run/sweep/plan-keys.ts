import { LIKE } from "../memory-budget.js";
import type { Settings } from "../plan.js";
import { bytesOf, secondsOf } from "../units.js";
import { lengthsOf } from "./range.js";

/** What a key of a plan may hold. */
export interface Kind {
  /** What it must be, in words that follow "must be". */
  readonly words: string;
  /** The values that one entry of a list stands for, a problem with it, or null for an entry of another kind. */
  readonly read: (entry: unknown) => readonly unknown[] | { readonly problem: string } | null;
  /** Whether cells may not differ in it. */
  readonly single?: true;
}

const lengths: Kind = {
  words: "a number of tokens (512, 8K) or a range (1K..64K*2, 1K..8K+1K)",
  read: (entry) => (typeof entry === "string" ? lengthsOf(entry) : whole(entry, 1)),
};

const counts = (least: number): Kind => ({
  words: `a whole number of ${least} or more`,
  read: (entry) =>
    whole(typeof entry === "string" && /^\d+$/.test(entry.trim()) ? Number(entry) : entry, least),
});

const whole = (entry: unknown, least: number): number[] | null =>
  Number.isSafeInteger(entry) && (entry as number) >= least ? [entry as number] : null;

const names = (allowed: readonly string[]): Kind => ({
  words: allowed.map((name) => `"${name}"`).join(" or "),
  read: (entry) => (allowed.includes(entry as string) ? [entry] : null),
});

const flag: Kind = {
  words: "true or false",
  read: (entry) => {
    const value = entry === "true" ? true : entry === "false" ? false : entry;
    return typeof value === "boolean" ? [value] : null;
  },
};

const quantity = (words: string, parse: (text: string) => number | null, least: number): Kind => ({
  words,
  read: (entry) => {
    const value = typeof entry === "string" ? parse(entry) : entry;
    return typeof value === "number" && Number.isFinite(value) && value >= least ? [value] : null;
  },
});

/** `null` in a list is a cell without. */
const orNone = ({ words, read }: Kind): Kind => ({
  words: `${words}, or null for none`,
  read: (entry) => (entry === null || entry === "none" ? [undefined] : read(entry)),
});

const single = (kind: Kind): Kind => ({ ...kind, single: true });

const text: Kind = { words: "a text", read: (entry) => (typeof entry === "string" ? [entry] : null) };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const options: Kind = {
  words: "an object of texts",
  read: (entry) =>
    isObject(entry) && Object.values(entry).every((value) => typeof value === "string") ? [entry] : null,
};

/** A model's own name in the registry, or in a plan that is a program an object of `modelFromConfig`. */
const model: Kind = {
  words: "a model of the registry, such as mamba2-780m (`ssm-scope models` lists them)",
  read: (entry) => (typeof entry === "string" || (isObject(entry) && "arch" in entry) ? [entry] : null),
};

const quantBlock: Kind = {
  words: "32 or 128",
  read: (entry) => ([32, 128].includes(Number(entry)) ? [Number(entry)] : null),
};

const LOWERINGS = names(["auto", "linear-attention", "ssd-matmul", "fused"]);

/**
 * What cells are made of: the keys of `Settings`, with `memory` for `memoryBytes`, as it takes units. Lists are crossed, the
 * last key fastest.
 */
export const CELL_KEYS = {
  models: model,
  weights: single(text),
  ep: names(["cpu", "cuda"]),
  dtype: names(["fp32", "fp16", "bf16", "int8", "int4"]),
  quantBlock,
  quantCompute: names(["float", "int8"]),
  lowering: LOWERINGS,
  decodeLowering: LOWERINGS,
  prefill: names(["chunked", "monolithic"]),
  segmentTokens: lengths,
  logits: names(["last", "all"]),
  memory: orNone(quantity("a size such as 24GB or 8GiB", bytesOf, 1)),
  like: orNone(names(Object.keys(LIKE))),
  threads: orNone(counts(1)),
  cudaGraph: names(["auto", "on", "off"]),
  arena: names(["next-power-of-two", "same-as-requested"]),
  tf32: flag,
  cudnnConvSearch: names(["EXHAUSTIVE", "HEURISTIC", "DEFAULT"]),
  epOptions: single(options),
  seed: counts(0),
  batch: counts(1),
  newTokens: counts(1),
  repeats: single(counts(1)),
  beyondPositions: single(flag),
  deviceId: single(counts(0)),
  promptTokens: lengths,
} as const satisfies Record<Exclude<keyof Settings, "document" | "memoryBytes"> | "memory", Kind>;

/** How the sweep is carried out. */
export const SWEEP_KEYS = {
  order: single(names(["blocks", "sequential"])),
  orderSeed: single(counts(0)),
  isolate: single(names(["auto", "cell", "model", "none"])),
  timeout: single(quantity("a time such as 90 (seconds), 5min or 2h", secondsOf, 0.001)),
  pause: single(quantity("a time such as 5 (seconds) or 1min", secondsOf, 0)),
  coolTo: single(quantity("a temperature in degrees Celsius, such as 60", (degrees) => Number(degrees), 1)),
  energy: single(flag),
  bisect: single(flag),
  warmUpTolerance: single(
    quantity("a share of the time to first token above 0, such as 0.05", (share) => Number(share), 1e-6),
  ),
  warmUpBlock: single(counts(1)),
  warmUpRuns: single(counts(1)),
} as const satisfies Record<string, Kind>;

/** A key of a plan that says what is measured. */
export type CellKey = keyof typeof CELL_KEYS;
/** A key of a plan that says how. */
export type SweepKey = keyof typeof SWEEP_KEYS;
