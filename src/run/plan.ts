import { createHash } from "node:crypto";
import { UserError } from "../errors.js";
import { findModel, lowerings, maxPositions, type Lowering, type Model } from "../models/index.js";

export type Dtype = "fp32" | "fp16";

/** What to measure. Lists are crossed: every model at every length. */
export interface Settings {
  /** Registry names. */
  models: readonly string[];
  /** Prompt lengths in tokens. */
  promptTokens: readonly number[];
  /** Tokens to generate, the first one included. Default 16. */
  newTokens?: number;
  /** Samples of every cell. Default 5. */
  repeats?: number;
  /** Sequences processed together. Default 1. */
  batch?: number;
  /** Execution provider. */
  ep?: "cpu";
  dtype?: Dtype;
  /** How SSM blocks are expressed in the prefill; `auto` takes each architecture's default. */
  lowering?: Lowering | "auto";
  /** `chunked` runs the prompt in segments and carries the state on; `monolithic` runs it in one piece. */
  prefill?: "chunked" | "monolithic";
  /** Longest segment of a chunked prefill. Default 8192. */
  segmentTokens?: number;
  /** Which logits are computed: the last position's (default) or all, as the paper did. */
  logits?: "last" | "all";
  /** Intra-operator threads; default: what ONNX Runtime takes, one a physical core. */
  threads?: number;
  /** Seed of random weights and prompts. Default 1. */
  seed?: number;
  /** Allow sequences longer than the model's positions: the speed is right, the text would not be. */
  beyondPositions?: boolean;
}

/** One point of the sweep, with every setting decided. */
export interface Cell {
  readonly key: string;
  readonly model: Model;
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly repeats: number;
  readonly batch: number;
  readonly ep: "cpu";
  readonly dtype: Dtype;
  /** null where the architecture has no SSM block. */
  readonly lowering: Lowering | null;
  readonly prefill: "chunked" | "monolithic";
  /** Longest segment; null when the prompt runs in one piece. */
  readonly segmentTokens: number | null;
  readonly logits: "last" | "all";
  readonly threads: number | null;
  readonly seed: number;
  /** Positions the model was made for, when the cell goes beyond them. */
  readonly beyondPositions: number | null;
}

/** All cells of the settings, model by model, or a UserError that names the first setting that makes no sense. */
export function plan(settings: Settings): Cell[] {
  if (settings.models.length === 0) throw new UserError("no model given; `ssm-scope models` lists them");
  if (settings.promptTokens.length === 0)
    throw new UserError("no prompt length given; give at least one, e.g. 512");
  const common = {
    newTokens: count("the number of new tokens", settings.newTokens ?? 16),
    repeats: count("the number of repeats", settings.repeats ?? 5),
    batch: count("the batch", settings.batch ?? 1),
    ep: oneOf("the execution provider", settings.ep ?? "cpu", ["cpu"] as const),
    dtype: oneOf("the dtype", settings.dtype ?? "fp32", ["fp32", "fp16"] as const),
    prefill: oneOf("the prefill", settings.prefill ?? "chunked", ["chunked", "monolithic"] as const),
    logits: oneOf("logits", settings.logits ?? "last", ["last", "all"] as const),
    threads: settings.threads === undefined ? null : count("the number of threads", settings.threads),
    seed: count("the seed", settings.seed ?? 1, 0),
  };
  const segment = count("the segment length", settings.segmentTokens ?? 8192);
  const models = unique(settings.models.map(findModel));
  const lengths = unique(settings.promptTokens.map((length) => count("a prompt length", length)));
  return models.flatMap((model) =>
    lengths.map((promptTokens) => {
      const decided = {
        ...common,
        model,
        promptTokens,
        lowering: chooseLowering(model, settings.lowering ?? "auto"),
        segmentTokens: common.prefill === "monolithic" ? null : segment,
        beyondPositions: checkPositions(
          model,
          promptTokens + common.newTokens,
          settings.beyondPositions ?? false,
        ),
      };
      checkBatch(decided);
      return { ...decided, key: cellKey(decided) };
    }),
  );
}

/** The hash of everything that decides a cell's result on one machine; how often it is repeated does not. */
function cellKey({ model, repeats, ...setting }: Omit<Cell, "key">): string {
  const decides = JSON.stringify({ model: [model.arch, model.config], ...setting });
  return createHash("sha256").update(decides).digest("hex").slice(0, 12);
}

function count(what: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UserError(`${what} is ${value}; it must be a whole number of ${least} or more`);
}

/** `value`, or a UserError that says what `what` may be. */
export function oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((option) => option === value);
  if (found) return found;
  throw new UserError(
    `${what} is "${value}"; it must be ${allowed.map((option) => `"${option}"`).join(" or ")}`,
  );
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

function chooseLowering(model: Model, wanted: Lowering | "auto"): Lowering | null {
  const known = lowerings(model);
  if (known.length === 0) return null;
  if (wanted === "auto") return known[0]!;
  if (known.includes(wanted)) return wanted;
  throw new UserError(`${model.name} has no lowering "${wanted}"; it has ${known.join(" and ")}`);
}

function checkPositions(model: Model, tokens: number, allowed: boolean): number | null {
  const limit = maxPositions(model);
  if (limit === undefined || tokens <= limit) return null;
  if (allowed) return limit;
  throw new UserError(
    `${model.name} has ${limit} positions, but prompt and new tokens make ${tokens}; shorten them, or allow it with --beyond-positions (the speed is right, the text would not be)`,
  );
}

/** ONNX Runtime's GroupQueryAttention takes a past and several new tokens for one sequence only. */
function checkBatch({ model, batch, segmentTokens, promptTokens }: Omit<Cell, "key">): void {
  const inSegments = segmentTokens !== null && segmentTokens < promptTokens;
  if (batch === 1 || !inSegments || model.family === "ssm") return;
  throw new UserError(
    `${model.name} cannot carry its cache from segment to segment with a batch of ${batch}; use --prefill monolithic, or segments of at least ${promptTokens} tokens`,
  );
}
