import { UserError } from "../../errors.js";
import {
  lowerings,
  maxPositions,
  REGISTRY,
  SSD_CHUNK,
  type Lowering,
  type Model,
} from "../../models/index.js";
import type { CudaOptions } from "../../ort/index.js";
import { areBuilt, notBuilt, type HasOperators } from "../operators.js";
import { chooseOperators, count, hasFusedProducts, modelsOf, oneOf, type Dtype, type Ep } from "../plan.js";
import { assertQuantized, quantizationOf, type QuantBlock, type QuantCompute } from "../quantization.js";
import type { Setting } from "./setting.js";

/** What to put through the gate. Lists are crossed. */
export interface GateSettings {
  /** Registry names, or models of your own. Default: the whole registry, or the model of `weights`. */
  models?: readonly (string | Model)[];
  /** Folder of a checkpoint of the one model. Default: seeded random weights. */
  weights?: string;
  /** Execution provider to judge. Default: cpu, whose lowerings, segments and float16 are then judged. */
  ep?: Ep;
  /** Which of several GPUs, as CUDA counts them. Default 0. */
  deviceId?: number;
  /** Default: all float types that the provider may have; each of the others needs a reference of its own. */
  dtypes?: readonly Dtype[];
  /** As in `Settings`. */
  quantBlock?: QuantBlock;
  quantCompute?: QuantCompute;
  /**
   * Of prefill and decoding, every pair that shares its state; models without an SSM block are left out. `auto`: the pair
   * that `run` takes. Default: all, `fused` where it is built, and models without an SSM block too.
   */
  lowerings?: readonly Lowering[] | "auto";
  /** Prompt lengths to check besides 1, 64, 130, 192 and 257. */
  promptTokens?: readonly number[];
  /** Options of the CUDA provider; float32 products round to TF32 only where they say so. */
  cuda?: CudaOptions;
  /** Seed of random weights and prompts. Default 1. */
  seed?: number;
}

/** A prompt, and how many tokens are decoded after it in one piece. */
export interface Prompt {
  readonly tokens: number;
  readonly decoded: number;
}

/** Prompts that are put in in the same way, so that one generator, made for the longest, serves them all. */
export interface Way {
  /** null: in one piece. */
  readonly segmentTokens: number | null;
  readonly prompts: readonly Prompt[];
}

export const lengthsOf = ({ prompts }: Pick<Way, "prompts">): number[] => prompts.map(({ tokens }) => tokens);

/** The gate of one model. */
export interface GatePlan extends Pick<Setting, "model" | "weights"> {
  /** What the reference is asked. */
  readonly prompts: readonly Prompt[];
  /** How each candidate is asked. */
  readonly ways: readonly Way[];
  /** Grouped by dtype. */
  readonly candidates: readonly Setting[];
  readonly deviceId: number | null;
  readonly seed: number;
}

/** One token, one and three chunks, and two that end inside a chunk; the last one makes GPT-Neo's window of 256 move. */
const LENGTHS = [1, SSD_CHUNK, 130, 3 * SSD_CHUNK, 257];
/** Whole SSD chunks, and segments that cut them. */
const SEGMENTS = [SSD_CHUNK, 50];
/** After the longest prompt. */
const DECODED = 64;
/** After the others: a state that was carried on wrongly shows at the first token. */
const DECODED_AFTER_OTHERS = 8;

/** What a pass stands for; part of its key, so that a stricter gate has to be passed anew. */
export const CRITERIA = { LENGTHS, SEGMENTS, DECODED, DECODED_AFTER_OTHERS };

const EPS = ["cpu", "cuda"] as const;
const LOWERINGS = ["linear-attention", "ssd-matmul", "fused"] as const satisfies Lowering[];
const DTYPES = ["fp16", "fp32", "bf16", "int8", "int4"] as const satisfies Dtype[];
/** ONNX Runtime has no bfloat16 kernels for the CPU. */
const DEFAULT_DTYPES: Record<Ep, readonly Dtype[]> = {
  cpu: ["fp32", "fp16"],
  cuda: ["fp16", "fp32", "bf16"],
};

/**
 * The gate of every model, or a UserError that names the first setting that makes no sense.
 *
 * @param hasOperators whether the fused operators are built for a device
 */
export function planGate(settings: GateSettings, hasOperators: HasOperators = areBuilt): GatePlan[] {
  const ep = oneOf("the execution provider", settings.ep ?? "cpu", EPS);
  const { cuda, deviceId, seed = 1 } = settings;
  if (ep === "cpu" && (cuda !== undefined || deviceId !== undefined))
    throw new UserError("options of a GPU were given, but the execution provider is cpu; add --ep cuda");
  if (deviceId !== undefined) count("the device id", deviceId, 0);
  count("the seed", seed, 0);
  const dtypes = listOf("the dtype", settings.dtypes ?? DEFAULT_DTYPES[ep], DTYPES);
  assertQuantized(dtypes, settings);
  const { lowerings: named } = settings;
  const wanted = named === "auto" ? named : named && listOf("the lowering", named, LOWERINGS);
  const built = hasOperators(ep, deviceId ?? null);
  if (wanted?.includes("fused") && !built) throw new UserError(notBuilt(ep));
  for (const length of settings.promptTokens ?? []) count("a prompt length", length, 1);
  const common = { deviceId: ep === "cpu" ? null : (deviceId ?? 0), seed };
  const { models, weights } = modelsOf(
    settings.models ?? (settings.weights === undefined ? REGISTRY : []),
    settings.weights,
  );
  const pairs = (model: Model): Operators[] =>
    wanted === "auto"
      ? [chooseOperators(model, { ep }, () => built)]
      : loweringPairs(model, wanted, built).map((pair) => ({
          ...pair,
          ...(built && hasFusedProducts(ep, pair.lowering) && { fusedProducts: true }),
        }));
  const plans = models.map((model) => {
    const prompts = promptsOf(model, settings.promptTokens ?? []);
    const candidates = dtypes.flatMap((dtype) =>
      pairs(model).flatMap((pair) =>
        (ep === "cpu" ? [null] : [false, true]).map((cudaGraph) => ({
          model,
          ...(weights && { weights }),
          ep,
          dtype,
          quant: quantizationOf(ep, dtype, settings),
          ...pair,
          cuda: ep === "cpu" ? null : { tf32: false, ...cuda },
          cudaGraph,
        })),
      ),
    );
    return { model, ...(weights && { weights }), prompts, ways: waysOf(prompts), candidates, ...common };
  });
  const some = plans.filter(({ candidates }) => candidates.length > 0);
  if (some.length > 0) return some;
  throw new UserError(
    `no model given has the lowering ${[wanted ?? []].flat().join(" or ")}; leave --lowering out, or choose another model`,
  );
}

type Operators = Pick<Setting, "lowering" | "decodeLowering" | "fusedProducts">;

/** Prefill and decoding each in every lowering wanted; one pair of nulls for a model that has none. */
function loweringPairs(
  model: Model,
  wanted: readonly Lowering[] | undefined,
  built: boolean,
): Pick<Setting, "lowering" | "decodeLowering">[] {
  const all = lowerings(model);
  if (all.length === 0) return wanted ? [] : [{ lowering: null, decodeLowering: null }];
  const used = all.filter((lowering) => wanted?.includes(lowering) ?? (built || lowering !== "fused"));
  return used.flatMap((lowering) =>
    used
      .filter((decodeLowering) => (lowering === "fused") === (decodeLowering === "fused"))
      .map((decodeLowering) => ({ lowering, decodeLowering })),
  );
}

function promptsOf(model: Model, more: readonly number[]): Prompt[] {
  const limit = maxPositions(model) ?? Infinity;
  const beyond = more.find((tokens) => tokens + DECODED > limit);
  if (beyond !== undefined)
    throw new UserError(
      `${model.name} has ${limit} positions, but a prompt of ${beyond} and ${DECODED} decoded tokens make ${beyond + DECODED}; choose a shorter one`,
    );
  const lengths = [...new Set([...LENGTHS, ...more])]
    .filter((tokens) => tokens + DECODED <= limit)
    .sort((a, b) => a - b);
  return lengths.map((tokens, i) => ({
    tokens,
    decoded: i + 1 === lengths.length ? DECODED : DECODED_AFTER_OTHERS,
  }));
}

/** In one piece, and in segments wherever that makes a difference. */
function waysOf(prompts: readonly Prompt[]): Way[] {
  const segmented = SEGMENTS.map((segmentTokens) => ({
    segmentTokens,
    prompts: prompts
      .filter(({ tokens }) => tokens > segmentTokens)
      .map(({ tokens }) => ({ tokens, decoded: DECODED_AFTER_OTHERS })),
  }));
  // A prompt of whole SSD chunks, in segments of them, is put in by another graph, which need not pad.
  const whole = [null, SSD_CHUNK].map((segmentTokens) => ({
    segmentTokens,
    prompts: prompts
      .filter(({ tokens }) => tokens % SSD_CHUNK === 0 && tokens > SSD_CHUNK)
      .map(({ tokens }) => ({ tokens, decoded: DECODED_AFTER_OTHERS })),
  }));
  return [{ segmentTokens: null, prompts }, ...segmented, ...whole].filter((way) => way.prompts.length > 0);
}

/** `values` without repetitions, or a UserError that says what `what` may be. */
export function listOf<T extends string>(
  what: string,
  values: readonly string[],
  allowed: readonly T[],
): T[] {
  if (values.length === 0)
    throw new UserError(`${what} is missing; it must be one or several of ${allowed.join(", ")}`);
  return [...new Set(values.map((value) => oneOf(what, value, allowed)))];
}
