import { createHash } from "node:crypto";
import {
  assertSameConfig,
  matchTensors,
  openCheckpoint,
  readConfig,
  type CheckpointRef,
} from "../checkpoint/index.js";
import { UserError } from "../errors.js";
import {
  findModel,
  lowerings,
  maxPositions,
  weightBytes,
  type Family,
  type Lowering,
  type Model,
  type QuantizedLinears,
} from "../models/index.js";
import { ARENA_STRATEGIES, assertOther, type CudaOptions } from "../ort/index.js";
import type { TokenizedDocument } from "./document.js";
import { activationType } from "./graph-options.js";
import { memoryOf } from "./memory-budget.js";
import { areBuilt, isFusedByDefault, notBuilt, type HasOperators } from "./operators.js";
import { promptFrom, type DocumentPrompt } from "./prompt.js";
import { assertQuantized, quantizationOf, type QuantBlock, type QuantCompute } from "./quantization.js";
import { DTYPES, unsupported } from "./support.js";

/** Of weights and activations; int8 and int4 are of the weights of linear layers, beside fp32 on a CPU and fp16 on a GPU. */
export type Dtype = "fp32" | "fp16" | "bf16" | "int8" | "int4";
/** Execution provider of ONNX Runtime. */
export type Ep = "cpu" | "cuda";

/** What to measure. Lists are crossed: every model at every length. */
export interface Settings {
  /** Registry names, or models of your own (`modelFromConfig`); none where `weights` names one. */
  models: readonly (string | Model)[];
  /** Folder of a checkpoint of the one model: safetensors, and its config.json. Default: seeded random weights. */
  weights?: string;
  /** Prompt lengths in tokens. Default: the whole document, where there is one. */
  promptTokens?: readonly number[];
  /** Its first tokens are the prompt (see readDocument). Default: seeded random tokens. */
  document?: TokenizedDocument;
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
  /** Weights of a row that share a scale, where they are quantised. Default 32. */
  quantBlock?: QuantBlock;
  /** What products with quantised weights compute in on the CPU: see `QuantCompute`. */
  quantCompute?: QuantCompute;
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
  /**
   * Budget in bytes that emulates a device with less memory: all the process holds on the GPU, or on a CPU its resident
   * memory, Node.js included, which is watched where the cell has a process of its own.
   */
  memoryBytes?: number;
  /** The same by the name of a device: see `LIKE`. */
  like?: string;
  /** Allow sequences longer than the model's positions: the speed is right, the text would not be. */
  beyondPositions?: boolean;
}

/** What a sweep needs to know of a model, wherever it comes from. */
export interface ModelFacts {
  readonly name: string;
  readonly family: Family;
  /** null where it is not known. */
  readonly hfId: string | null;
  readonly parameters: number | null;
  readonly config: { readonly vocab_size: number };
}

/** A cell of whatever model: what is enough to schedule it and to describe its rows. */
export type AnyCell = Cell<ModelFacts>;

/** One point of the sweep, with every setting decided. */
export interface Cell<M extends ModelFacts = Model> {
  readonly key: string;
  readonly model: M;
  readonly promptTokens: number;
  /** The prompt of every row of the batch, where it is not seeded. */
  readonly prompt?: DocumentPrompt;
  readonly newTokens: number;
  readonly repeats: number;
  readonly batch: number;
  readonly ep: Ep;
  /** null on a CPU, as are all settings of a GPU but the budget. */
  readonly deviceId: number | null;
  readonly dtype: Dtype;
  /** null where no weight is quantised. */
  readonly quant: QuantizedLinears | null;
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
  /** Budget in bytes of device memory, on a CPU of resident memory. */
  readonly memoryBytes: number | null;
  /** Absent: seeded random weights. */
  readonly weights?: CheckpointRef;
  /** Positions the model was made for, when the cell goes beyond them. */
  readonly beyondPositions: number | null;
}

/**
 * All cells of the settings, model by model, or a UserError that names the first setting that makes no sense.
 *
 * @param hasOperators whether the fused operators are built for a device
 */
export function plan(settings: Settings, hasOperators: HasOperators = areBuilt): Cell[] {
  const lengths = promptLengths(settings);
  const ep = oneOf("the execution provider", settings.ep ?? "cpu", ["cpu", "cuda"] as const);
  const common = {
    ...modelFreeSettings(ep, settings),
    ...chooseTypes(ep, settings),
    logits: oneOf("logits", settings.logits ?? "last", ["last", "all"] as const),
  };
  const { models, weights } = modelsOf(settings.models, settings.weights);
  const built = once(() => hasOperators(ep, common.deviceId));
  return models.flatMap((model) =>
    lengths.map((promptTokens) => {
      const decided = {
        ...common,
        model,
        ...(weights && { weights }),
        promptTokens,
        ...promptFrom(settings.document, promptTokens, model),
        ...chooseLowerings(model, settings, built),
        beyondPositions: checkPositions(
          model,
          promptTokens + common.newTokens,
          settings.beyondPositions ?? false,
        ),
      };
      checkSupport(decided);
      checkBudget(decided);
      return { ...decided, key: cellKey([model.arch, model.config], decided) };
    }),
  );
}

/** The same cell at another length, with seeded tokens; its positions were allowed or not with the cell. */
export function withLength({ key, prompt, ...cell }: Cell, promptTokens: number): Cell {
  const { model, newTokens } = cell;
  const decided = {
    ...cell,
    promptTokens,
    beyondPositions: checkPositions(model, promptTokens + newTokens, true),
  };
  return { ...decided, key: cellKey([model.arch, model.config], decided) };
}

/** The prompt lengths of a sweep. */
export function promptLengths({
  promptTokens,
  document,
}: Pick<Settings, "promptTokens" | "document">): number[] {
  const lengths = promptTokens ?? (document ? [document.ids.length] : []);
  if (lengths.length === 0)
    throw new UserError(
      "no prompt length given; give at least one, e.g. 512 (-l 512), or a document (--prompt-file)",
    );
  return unique(lengths.map((length) => count("a prompt length", length)));
}

/** What is decided without a look at the model. */
export function modelFreeSettings(ep: Ep, settings: Omit<Settings, "models">) {
  const prefill = oneOf("the prefill", settings.prefill ?? "chunked", ["chunked", "monolithic"] as const);
  const segment = count("the segment length", settings.segmentTokens ?? 8192);
  return {
    newTokens: count("the number of new tokens", settings.newTokens ?? 16),
    repeats: count("the number of repeats", settings.repeats ?? 5),
    batch: count("the batch", settings.batch ?? 1),
    ep,
    ...deviceSettings(ep, settings),
    prefill,
    segmentTokens: prefill === "monolithic" ? null : segment,
    threads: settings.threads === undefined ? null : count("the number of threads", settings.threads),
    seed: count("the seed", settings.seed ?? 1, 0),
  };
}

/**
 * The hash of everything that decides a cell's result on one machine; how often it is repeated does not.
 *
 * @param model what tells it from others
 */
export function cellKey(
  model: unknown,
  { model: _, repeats, weights, ...setting }: Omit<AnyCell, "key">,
): string {
  const decides = JSON.stringify({ model, ...setting, ...(weights && { weights: weights.hash }) });
  return createHash("sha256").update(decides).digest("hex").slice(0, 12);
}

/**
 * The models of the settings, and their checkpoint, whose headers are read and held against the model. A checkpoint without
 * a model is the model of its config.json.
 */
export function modelsOf(
  named: readonly (string | Model)[],
  weights: string | undefined,
): { models: Model[]; weights?: CheckpointRef } {
  const models = unique(named.map((one) => (typeof one === "string" ? findModel(one) : one)));
  const twice = models.find(({ name }, i) => models.slice(0, i).some((other) => other.name === name));
  if (twice)
    throw new UserError(
      `two models are called ${twice.name}; their rows could not be told apart: rename a config's folder`,
    );
  if (weights === undefined) {
    if (models.length > 0) return { models };
    throw new UserError("no model given; `ssm-scope models` lists them");
  }
  const checkpoint = openCheckpoint(weights);
  const [model = readConfig(weights), second] = models;
  if (second)
    throw new UserError(
      `the weights in ${weights} are of one model, but ${models.length} were given: ${models.map(({ name }) => name).join(", ")}`,
    );
  assertSameConfig(weights, model);
  matchTensors(checkpoint, model);
  const { folder, name, hash } = checkpoint;
  return { models: [model], weights: { folder, name, hash } };
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

function chooseTypes(ep: Ep, settings: Settings): Pick<Cell, "dtype" | "quant"> {
  const { dtype: wanted } = settings;
  if (wanted === "bf16" && ep === "cpu")
    throw new UserError(
      "the dtype bf16 needs a GPU (--ep cuda): ONNX Runtime has no bfloat16 kernels for the CPU",
    );
  const dtype = oneOf("the dtype", wanted ?? DTYPES[ep][0]!, DTYPES[ep]);
  assertQuantized([dtype], settings);
  return { dtype, quant: quantizationOf(ep, dtype, settings) };
}

function checkSupport({ model, ep, dtype, lowering }: Omit<Cell, "key">): void {
  const reason = unsupported(model, ep, dtype, lowering);
  if (reason !== null) throw new UserError(`the dtype is ${dtype}, but ${reason}`);
}

/**
 * What only a GPU has, and the budget. On the CPU none of the first may be set: it would be without effect, and the row would
 * not show it.
 */
function deviceSettings(
  ep: Ep,
  settings: Omit<Settings, "models">,
): Pick<Cell, "deviceId" | "cudaGraph" | "cuda" | "memoryBytes"> {
  const { deviceId, cudaGraph, arena, tf32, cudnnConvSearch, epOptions, memoryBytes, like } = settings;
  if (ep === "cpu") {
    const only = { deviceId, cudaGraph, arena, tf32, cudnnConvSearch, epOptions, like };
    const set = Object.entries(only).find(([, value]) => value !== undefined);
    if (set)
      throw new UserError(`${set[0]} is ${JSON.stringify(set[1])}, but only a GPU has it; add --ep cuda`);
    return { deviceId: null, cudaGraph: null, cuda: null, memoryBytes: memoryOf(memoryBytes, undefined) };
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

/** The lowerings of prefill and decoding; nulls where the architecture has no SSM block. */
export function chooseLowerings(
  model: Model,
  {
    lowering = "auto",
    decodeLowering = "auto",
    ep = "cpu",
  }: Pick<Settings, "lowering" | "decodeLowering" | "ep">,
  built: () => boolean,
): Pick<Cell, "lowering" | "decodeLowering"> {
  const known = lowerings(model);
  if (known.length === 0) return { lowering: null, decodeLowering: null };
  for (const wanted of [lowering, decodeLowering])
    if (wanted !== "auto" && !known.includes(wanted))
      throw new UserError(`${model.name} has no lowering "${wanted}"; it has ${known.join(" and ")}`);
  const wanted = [lowering, decodeLowering].filter((one) => one !== "auto");
  if (wanted.length === 0 ? isFusedByDefault(model) && built() : wanted.includes("fused")) {
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

/** A budget below the weights alone is a mistake; one that the rest does not fit into is a finding. */
function checkBudget({ model, ep, dtype, quant, memoryBytes }: Omit<Cell, "key">): void {
  if (memoryBytes === null) return;
  const weights = weightBytes(model, { dtype: activationType({ ep, dtype }), quantized: quant });
  if (weights <= memoryBytes) return;
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
