import { UserError } from "../errors.js";
import { TYPES, type FloatType } from "../graph/index.js";
import { countsOf, type AttentionCounts, type Counts } from "./counts.js";
import type { Quantization } from "./quantize.js";
import type { Model } from "./registry.js";
import { weightBytes } from "./weight-bytes.js";

/**
 * What a pass costs by its published hyper-parameters alone, whatever graph or kernel computes it. Formulas: the shapes
 * of each architecture (counts.ts); state-space duality as in Dao & Gu, arXiv 2405.21060, section 6; the roofline as in
 * Williams, Waterman & Patterson, CACM 52(4), 2009.
 */
export type Work = {
  readonly batch: number;
  /** Type of weights, caches and activations. */
  readonly dtype: FloatType;
  /** How the weights of linear layers are held. Default: in dtype. */
  readonly quantized?: Quantization;
  /** Type of SSM states. Default: dtype. */
  readonly stateDtype?: FloatType;
  /** Chunk of state-space duality in the prefill. Default 256, the published chunk_size. */
  readonly chunk?: number;
} & (
  | {
      readonly phase: "prefill";
      readonly promptTokens: number;
      /** Positions whose logits are computed. Default last. */
      readonly logits?: "last" | "all";
    }
  | {
      readonly phase: "decode";
      /** Index of the token fed, so that `position` + 1 keys are visible, and those of the model's own tokens. */
      readonly position: number;
    }
);

/** State-space duality costs the fewest FLOPs in the shortest chunks that matrix units take. */
export const CHEAPEST_CHUNK = 64;

/** Totals and where they come from. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
  readonly flopsBy: {
    readonly linear: number;
    readonly attention: number;
    readonly convolution: number;
    readonly scan: number;
    readonly head: number;
  };
  readonly bytesBy: {
    /** Every parameter once; of tables that are looked up, the rows needed. */
    readonly weights: number;
    /** Keys and values: written once, in decoding the visible ones read once. */
    readonly kvCache: number;
    /** SSM and convolution states: written once, in decoding read once. */
    readonly states: number;
    /** The residual stream, read and written once a layer: less only if layers are fused. */
    readonly activations: number;
    /** float32. */
    readonly logits: number;
  };
}

/** The least a pass must compute and move. Norms, softmax, activations and biases (below 1 % of the FLOPs) are left out. */
export function cost(model: Model, work: Work): Cost {
  const counts = countsOf(model);
  const { batch, dtype } = work;
  const width = TYPES[dtype].bytes;
  const stateWidth = TYPES[work.stateDtype ?? dtype].bytes;
  const decode = work.phase === "decode";
  checkCount("the batch", batch, 1);
  const { prefixTokens: prefix = 0 } = counts;
  const length = decode ? 1 : prefix + checkCount("the prompt length", work.promptTokens, 1);
  const past = decode ? prefix + checkCount("the position", work.position, 0) : 0;
  const chunk = checkCount("the chunk", work.chunk ?? 256, 1);
  const tokens = batch * length;
  const scored = work.phase === "prefill" && work.logits === "all" ? batch * (length - prefix) : batch;

  const flopsBy = {
    linear: 2 * tokens * counts.linearMacs,
    attention:
      batch * sum(counts.attention, (layer) => layer.flopsPerPair * visiblePairs(layer, past, length)),
    convolution: tokens * counts.convFlops,
    scan: tokens * (decode ? counts.scan.stepFlops : counts.scan.chunkedFlops(chunk)),
    head: 2 * scored * counts.headMacs,
  };
  const stateBytes = counts.ssmElements * stateWidth + counts.convElements * width;
  const { stream } = counts;
  const bytesBy = {
    weights: heldBytes(model, counts, work) - width * (counts.lookedUp - lookedUpRows(counts, tokens)),
    kvCache: batch * width * (readElements(counts, past) + cacheElements(counts, length)),
    states: batch * stateBytes * (decode ? 2 : 1),
    activations: 2 * tokens * stream.layers * stream.width * (stream.float32 ? TYPES.float32.bytes : width),
    logits: scored * vocabulary(counts) * TYPES.float32.bytes,
  };
  return { flops: total(flopsBy), bytes: total(bytesBy), flopsBy, bytesBy };
}

/** Bytes that a model asks for, whoever runs it. */
export interface ModelMemory {
  readonly weightsBytes: number;
  readonly kvCacheBytes: number;
  readonly ssmStateBytes: number;
  readonly convStateBytes: number;
  /** What must be alive inside one layer of a prefill whose attention or scan is fused and whose buffers are reused. */
  readonly activationBytes: number;
}

/** Memory for `tokens` positions of context, the prompt processed `segmentTokens` at a time (default: at once). */
export function memoryOf(
  model: Model,
  options: {
    readonly batch: number;
    readonly tokens: number;
    readonly segmentTokens?: number;
    readonly dtype: FloatType;
    readonly quantized?: Quantization;
    readonly stateDtype?: FloatType;
  },
): ModelMemory {
  const counts = countsOf(model);
  const batch = checkCount("the batch", options.batch, 1);
  const { prefixTokens: prefix = 0 } = counts;
  const tokens = prefix + checkCount("the number of tokens", options.tokens, 1);
  const segment = Math.min(
    tokens,
    prefix + checkCount("the segment length", options.segmentTokens ?? options.tokens, 1),
  );
  const width = TYPES[options.dtype].bytes;
  const { activation } = counts;
  return {
    weightsBytes: heldBytes(model, counts, options),
    kvCacheBytes: batch * width * cacheElements(counts, tokens),
    ssmStateBytes: batch * TYPES[options.stateDtype ?? options.dtype].bytes * counts.ssmElements,
    convStateBytes: batch * width * counts.convElements,
    activationBytes:
      batch * segment * (TYPES.float32.bytes * activation.float32 + width * activation.elements),
  };
}

/** Bytes of all parameters. Scales of quantised rows depend on the graph's matrices, so that these bytes are its own. */
const heldBytes = (
  model: Model,
  { parameters }: Counts,
  { dtype, quantized }: { readonly dtype: FloatType; readonly quantized?: Quantization },
): number => (quantized ? weightBytes(model, { dtype, quantized }) : TYPES[dtype].bytes * parameters);

/** What a device can do at most. */
export interface Ceilings {
  readonly flopsPerS: number;
  readonly bytesPerS: number;
}

/** Least time by a device's ceilings, and which of them binds. */
export interface Roofline {
  /** No pass of this cost is faster on that device. */
  readonly lowerBoundMs: number;
  readonly computeMs: number;
  readonly memoryMs: number;
  readonly bound: "compute" | "memory";
}

/** Computing and moving overlap at best: the slower of the two is the least time. */
export function roofline({ flops, bytes }: Pick<Cost, "flops" | "bytes">, ceilings: Ceilings): Roofline {
  const computeMs = (1000 * flops) / ceilings.flopsPerS;
  const memoryMs = (1000 * bytes) / ceilings.bytesPerS;
  return {
    lowerBoundMs: Math.max(computeMs, memoryMs),
    computeMs,
    memoryMs,
    bound: computeMs >= memoryMs ? "compute" : "memory",
  };
}

/** Pairs of a query and a key it sees, for queries at positions past .. past + length − 1: the lower triangle. */
function visiblePairs({ window = Infinity }: AttentionCounts, past: number, length: number): number {
  const upTo = (queries: number): number => {
    const growing = Math.min(queries, window);
    return (growing * (growing + 1)) / 2 + Math.max(0, queries - growing) * (queries > growing ? window : 0);
  };
  return upTo(past + length) - upTo(past);
}

/** Elements that all caches hold after so many tokens. */
const cacheElements = ({ kvElements, boundedKv }: Counts, tokens: number): number =>
  tokens * kvElements + (boundedKv ? Math.min(tokens, boundedKv.tokens) * boundedKv.elements : 0);

/** Cached elements that one step reads: in a layer with a window no more than the window less the new key. */
function readElements(counts: Counts, past: number): number {
  const { attention, kvElements } = counts;
  if (counts.boundedKv) return cacheElements(counts, past);
  const perLayer = attention.length > 0 ? kvElements / attention.length : 0;
  return sum(attention, ({ window = Infinity }) => perLayer * Math.min(past, window - 1));
}

/** One row of the hidden width for every token and table, and no more than the tables hold. */
const lookedUpRows = ({ lookedUp, stream }: Counts, tokens: number): number =>
  Math.min(lookedUp, tokens * stream.width);

const vocabulary = ({ headMacs, stream }: Counts): number => headMacs / stream.width;

const sum = <T>(values: readonly T[], of: (value: T) => number): number =>
  values.reduce((soFar, value) => soFar + of(value), 0);

const total = (parts: Record<string, number>): number => sum(Object.values(parts), (part) => part);

function checkCount(what: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UserError(`${what} is ${value}; it must be a whole number of ${least} or more`);
}
