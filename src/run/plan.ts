import { createHash } from "node:crypto";
import { UserError } from "../errors.js";
import { findModel, lowerings, maxPositions, type Lowering, type Model } from "../models/index.js";
import { ARENA_STRATEGIES, assertOther, type CudaOptions } from "../ort/index.js";
import { memoryOf } from "./memory-budget.js";
import { areBuilt, FUSED_BY_DEFAULT, notBuilt, type HasOperators } from "./operators.js";
import { unsupported } from "./support.js";

export type Dtype = "fp32" | "fp16" | "bf16";
export type Ep = "cpu" | "cuda";

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
  /** Execution provider. Default: cpu. */
  ep?: Ep;
  /** Which of several GPUs, as CUDA counts them. Default 0. */
  deviceId?: number;
  /** Default: fp32 on a CPU, fp16 on a GPU. */
  dtype?: Dtype;
  /**
   * How SSM blocks are expressed in the prefill; `auto` takes our own operators, `fused`, where they are built for the device
   * and known to be the faster, else each architecture's default among stock operators.
   */
  lowering?: Lowering | "auto";
  /** The same for decoding; `auto` is `fused` after a fused prefill, else linear-attention, where one token is one kernel. */
  decodeLowering?: Lowering | "auto";
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
  /** Replay decode steps as a CUDA graph; `auto` does wherever the graph can be captured. */
  cudaGraph?: "auto" | "on" | "off";
  /** How the GPU's allocator grows. Default: same-as-requested; ONNX Runtime's, next-power-of-two, may hold twice as much. */
  arena?: NonNullable<CudaOptions["arena"]>;
  /** Whether float32 products on the GPU may round their inputs to TF32. Default: no, as float32 is asked for. */
  tf32?: boolean;
  /** How cuDNN searches for a convolution. */
  cudnnConvSearch?: NonNullable<CudaOptions["cudnnConvSearch"]>;
  /** Other options of the execution provider, as ONNX Runtime spells them. */
  epOptions?: Readonly<Record<string, string>>;
  /** Budget in bytes that emulates a GPU with less memory: all the process holds on the device. */
  memoryBytes?: number;
  /** The same by the name of a device: see `LIKE`. */
  like?: string;
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
  readonly ep: Ep;
  /** null on a CPU, as are all settings of a GPU. */
  readonly deviceId: number | null;
  readonly dtype: Dtype;
  /** null where the architecture has no SSM block. */
  readonly lowering: Lowering | null;
  readonly decodeLowering: Lowering | null;
  readonly prefill: "chunked" | "monolithic";
  /** Longest segment; null when the prompt runs in one piece. */
  readonly segmentTokens: number | null;
  readonly logits: "last" | "all";
  readonly threads: number | null;
  readonly seed: number;
  readonly cudaGraph: "auto" | "on" | "off" | null;
  readonly cuda: CudaOptions | null;
  /** Budget of device memory in bytes. */
  readonly memoryBytes: number | null;
  /** Positions the model was made for, when the cell goes beyond them. */
  readonly beyondPositions: number | null;
}

/**
 * All cells of the settings, model by model, or a UserError that names the first setting that makes no sense.
 *
 * @param hasOperators whether the fused operators are built for a device
 */
export function plan(settings: Settings, hasOperators: HasOperators = areBuilt): Cell[] {
  if (settings.models.length === 0) throw new UserError("no model given; `ssm-scope models` lists them");
  if (settings.promptTokens.length === 0)
    throw new UserError("no prompt length given; give at least one, e.g. 512");
  const ep = oneOf("the execution provider", settings.ep ?? "cpu", ["cpu", "cuda"] as const);
  const common = {
    newTokens: count("the number of new tokens", settings.newTokens ?? 16),
    repeats: count("the number of repeats", settings.repeats ?? 5),
    batch: count("the batch", settings.batch ?? 1),
    ep,
    ...deviceSettings(ep, settings),
    dtype: chooseDtype(ep, settings.dtype),
    prefill: oneOf("the prefill", settings.prefill ?? "chunked", ["chunked", "monolithic"] as const),
    logits: oneOf("logits", settings.logits ?? "last", ["last", "all"] as const),
    threads: settings.threads === undefined ? null : count("the number of threads", settings.threads),
    seed: count("the seed", settings.seed ?? 1, 0),
  };
  const segment = count("the segment length", settings.segmentTokens ?? 8192);
  const built = once(() => hasOperators(ep, common.deviceId));
  const models = unique(settings.models.map(findModel));
  const lengths = unique(settings.promptTokens.map((length) => count("a prompt length", length)));
  return models.flatMap((model) =>
    lengths.map((promptTokens) => {
      const decided = {
        ...common,
        model,
        promptTokens,
        ...chooseLowerings(model, settings, built),
        segmentTokens: common.prefill === "monolithic" ? null : segment,
        beyondPositions: checkPositions(
          model,
          promptTokens + common.newTokens,
          settings.beyondPositions ?? false,
        ),
      };
      checkSupport(decided);
      checkBudget(decided);
      return { ...decided, key: cellKey(decided) };
    }),
  );
}

/** The hash of everything that decides a cell's result on one machine; how often it is repeated does not. */
function cellKey({ model, repeats, ...setting }: Omit<Cell, "key">): string {
  const decides = JSON.stringify({ model: [model.arch, model.config], ...setting });
  return createHash("sha256").update(decides).digest("hex").slice(0, 12);
}

export function count(what: string, value: number, least = 1): number {
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

/** Asks only when it is to be known, and only once: it takes milliseconds. */
function once(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => (answer ??= ask());
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

function chooseDtype(ep: Ep, wanted: Dtype | undefined): Dtype {
  if (wanted === "bf16" && ep === "cpu")
    throw new UserError(
      "the dtype bf16 needs a GPU (--ep cuda): ONNX Runtime has no bfloat16 kernels for the CPU",
    );
  return oneOf("the dtype", wanted ?? (ep === "cpu" ? "fp32" : "fp16"), ["fp32", "fp16", "bf16"] as const);
}

function checkSupport({ model, ep, dtype, lowering }: Omit<Cell, "key">): void {
  const reason = unsupported(model, ep, dtype, lowering);
  if (reason !== null) throw new UserError(`the dtype is ${dtype}, but ${reason}`);
}

/** What only a GPU has. On the CPU none of it may be set: it would be without effect, and the row would not show it. */
function deviceSettings(
  ep: Ep,
  settings: Settings,
): Pick<Cell, "deviceId" | "cudaGraph" | "cuda" | "memoryBytes"> {
  const { deviceId, cudaGraph, arena, tf32, cudnnConvSearch, epOptions, memoryBytes, like } = settings;
  if (ep === "cpu") {
    const only = { deviceId, cudaGraph, arena, tf32, cudnnConvSearch, epOptions, memoryBytes, like };
    const set = Object.entries(only).find(([, value]) => value !== undefined);
    if (set)
      throw new UserError(`${set[0]} is ${JSON.stringify(set[1])}, but only a GPU has it; add --ep cuda`);
    return { deviceId: null, cudaGraph: null, cuda: null, memoryBytes: null };
  }
  if (epOptions !== undefined) assertOther(epOptions);
  return {
    deviceId: count("the device id", deviceId ?? 0, 0),
    cudaGraph: oneOf("the CUDA graph", cudaGraph ?? "auto", ["auto", "on", "off"] as const),
    cuda: {
      tf32: tf32 ?? false,
      arena: oneOf("the arena", arena ?? "same-as-requested", ARENAS),
      ...(cudnnConvSearch !== undefined && {
        cudnnConvSearch: oneOf("the cuDNN search", cudnnConvSearch, CUDNN_SEARCHES),
      }),
      ...(epOptions !== undefined && { other: epOptions }),
    },
    memoryBytes: memoryOf(memoryBytes, like),
  };
}

const ARENAS = Object.keys(ARENA_STRATEGIES) as (keyof typeof ARENA_STRATEGIES)[];
const CUDNN_SEARCHES = ["EXHAUSTIVE", "HEURISTIC", "DEFAULT"] as const;

function chooseLowerings(
  model: Model,
  { lowering = "auto", decodeLowering = "auto", ep = "cpu" }: Settings,
  built: () => boolean,
): Pick<Cell, "lowering" | "decodeLowering"> {
  const known = lowerings(model);
  if (known.length === 0) return { lowering: null, decodeLowering: null };
  for (const wanted of [lowering, decodeLowering])
    if (wanted !== "auto" && !known.includes(wanted))
      throw new UserError(`${model.name} has no lowering "${wanted}"; it has ${known.join(" and ")}`);
  const wanted = [lowering, decodeLowering].filter((one) => one !== "auto");
  if (wanted.length === 0 ? FUSED_BY_DEFAULT[ep] && built() : wanted.includes("fused")) {
    if (wanted.some((one) => one !== "fused"))
      throw new UserError(
        `the lowering is "${lowering}" and that of decoding "${decodeLowering}", but fused operators keep their state in another form than stock ones; use fused for both, or for neither`,
      );
    if (!built()) throw new UserError(notBuilt(ep));
    return { lowering: "fused", decodeLowering: "fused" };
  }
  return {
    lowering: lowering === "auto" ? known[0]! : lowering,
    decodeLowering: decodeLowering === "auto" ? "linear-attention" : decodeLowering,
  };
}

const BYTES: Record<Dtype, number> = { fp32: 4, fp16: 2, bf16: 2 };

/** A budget below the weights alone is a mistake; one that the rest does not fit into is a finding. */
function checkBudget({ model, dtype, memoryBytes }: Omit<Cell, "key">): void {
  const weights = model.parameters * BYTES[dtype];
  if (memoryBytes === null || weights <= memoryBytes) return;
  throw new UserError(
    `the memory budget is ${memoryBytes} bytes, but the weights of ${model.name} in ${dtype} alone are ${weights}; give more, or choose a smaller model`,
  );
}

function checkPositions(model: Model, tokens: number, allowed: boolean): number | null {
  const limit = maxPositions(model);
  if (limit === undefined || tokens <= limit) return null;
  if (allowed) return limit;
  throw new UserError(
    `${model.name} has ${limit} positions, but prompt and new tokens make ${tokens}; shorten them, or allow it with --beyond-positions (the speed is right, the text would not be)`,
  );
}
