import { UserError } from "../../errors.js";
import type { FloatType } from "../../graph/index.js";
import type { CacheRole } from "../../models/index.js";
import type { ModelFile, ValueInfo } from "../../ort/index.js";

/** Integers that token ids, masks and positions may be. */
export type IntegerType = "int32" | "int64";

/**
 * How a cache is carried from run to run:
 * - `growing`: present is past and the new tokens, one tensor the longer;
 * - `shared`: past and present are one buffer of the longest length, which GroupQueryAttention writes in place;
 * - `fixed`: a state that keeps its size.
 */
export type Carry = "growing" | "shared" | "fixed";

export interface OnnxCache {
  readonly role: CacheRole;
  readonly past: string;
  readonly present: string;
  readonly dtype: FloatType;
  readonly carry: Carry;
  /** `length` is the axis of tokens, which a fixed cache lacks. */
  readonly shape: readonly (number | "batch" | "length")[];
}

/** A cache's shape at a length. */
export const shapeOf = (shape: OnnxCache["shape"], batch: number, length: number): number[] =>
  shape.map((size) => (size === "batch" ? batch : size === "length" ? length : size));

/** How a decoder that others exported is fed. Plain data: it travels to the process that measures it. */
export interface OnnxInterface {
  readonly ids: IntegerType;
  /** null where the model does not take it. */
  readonly mask: IntegerType | null;
  readonly positions: IntegerType | null;
  /** Whether the model takes num_logits_to_keep, and as what shape. */
  readonly logitsToKeep: readonly number[] | null;
  readonly logits: {
    readonly dtype: FloatType;
    readonly vocabulary: number;
    /** Whether they come as [batch, tokens, vocabulary] or as [batch, vocabulary]. */
    readonly rank: 2 | 3;
    /** Of which positions: `chosen` by num_logits_to_keep. */
    readonly positions: "all" | "last" | "chosen";
  };
  readonly caches: readonly OnnxCache[];
  /** Whether an operator of the model is GroupQueryAttention: after a past it takes several tokens for one sequence only. */
  readonly groupQuery: boolean;
  /** The only batch the model takes; null for any. */
  readonly batch: number | null;
}

export type OnnxFacts = Pick<ModelFile, "inputs" | "outputs" | "readers"> & {
  /** Channels of a key, for models whose shapes do not say it. */
  readonly headSize: number | null;
};

const CACHES: readonly { pattern: RegExp; role: (match: RegExpExecArray) => CacheRole }[] = [
  { pattern: /^past_key_values\.\d+\.(key|value)$/, role: ([, part]) => part as CacheRole },
  { pattern: /^past_(conv|ssm|recurrent)\.\d+$/, role: ([, part]) => (part === "conv" ? "conv" : "ssm") },
];

const KNOWN =
  "input_ids, attention_mask, position_ids, num_logits_to_keep, past_key_values.N.key and .value, past_conv.N, past_ssm.N, past_recurrent.N";

/** Operators whose cache is laid out in another way. */
const OTHER_CACHES = ["PagedAttention", "SparseAttention", "DecoderMaskedMultiHeadAttention"];

/**
 * How to feed a decoder with the usual names, decided from what its file says. Throws UserError that names the first input
 * or output that is not understood.
 */
export function interfaceOf(facts: OnnxFacts): OnnxInterface {
  const inputs = new Map(facts.inputs.map((info) => [info.name, info]));
  const outputs = new Map(facts.outputs.map((info) => [info.name, info]));
  const ids = inputs.get("input_ids");
  if (!ids) throw new UserError(`the model has no input input_ids; it has ${[...inputs.keys()].join(", ")}`);
  const caches: OnnxCache[] = [];
  let logitsToKeep: readonly number[] | null = null;
  for (const info of facts.inputs) {
    const role = cacheRole(info.name);
    if (role) caches.push(cacheOf(info, role, outputs, facts));
    else if (info.name === "num_logits_to_keep") logitsToKeep = scalarShape(info);
    else if (!PER_TOKEN.includes(info.name)) refuse(info, `is not known here; known are ${KNOWN}`);
  }
  if (caches.length === 0)
    throw new UserError(
      "the model takes no past_key_values.N.key and .value, so every new token would run the whole text again; export it with its cache",
    );
  const integer = (name: string): IntegerType | null => {
    const info = inputs.get(name);
    return info ? integerOf(info) : null;
  };
  return {
    ids: integerOf(ids),
    mask: integer("attention_mask"),
    positions: integer("position_ids"),
    logitsToKeep,
    logits: logitsOf(outputs.get("logits"), logitsToKeep !== null),
    caches,
    groupQuery: [...facts.readers.values()].some((ops) => ops.includes(GROUP_QUERY)),
    batch: batchOf(facts.inputs.filter(({ name }) => name !== "num_logits_to_keep")),
  };
}

const PER_TOKEN = ["input_ids", "attention_mask", "position_ids"];
const GROUP_QUERY = "GroupQueryAttention";

function refuse({ name, dtype, shape }: ValueInfo, why: string): never {
  throw new UserError(`${name} (${dtype} [${shape.join(", ")}]) of the model ${why}`);
}

function cacheRole(name: string): CacheRole | null {
  for (const { pattern, role } of CACHES) {
    const match = pattern.exec(name);
    if (match) return role(match);
  }
  return null;
}

/** [batch, tokens] of a 32 or 64-bit integer, both free. */
function integerOf(info: ValueInfo): IntegerType {
  const { dtype, shape } = info;
  if (dtype !== "int32" && dtype !== "int64") refuse(info, "must hold int32 or int64");
  if (shape.length !== 2) refuse(info, "must be [batch, tokens]");
  if (typeof shape[1] === "number")
    refuse(info, `has ${shape[1]} tokens fixed; export it with a number of tokens that may change`);
  return dtype;
}

function scalarShape(info: ValueInfo): readonly number[] {
  const { dtype, shape } = info;
  if (dtype !== "int64" || shape.length > 1) refuse(info, "must be one int64");
  return shape.map(() => 1);
}

const isFloat = (dtype: string): dtype is FloatType =>
  dtype === "float32" || dtype === "float16" || dtype === "bfloat16";

function logitsOf(info: ValueInfo | undefined, chosen: boolean): OnnxInterface["logits"] {
  if (!info) throw new UserError("the model has no output logits");
  const { dtype, shape } = info;
  const vocabulary = shape.at(-1);
  const rank = shape.length;
  if (!isFloat(dtype)) refuse(info, "must hold float32, float16 or bfloat16");
  if ((rank !== 2 && rank !== 3) || typeof vocabulary !== "number")
    refuse(info, "must be [batch, tokens, vocabulary], the vocabulary a number");
  const last = rank === 2 || shape[1] === 1;
  return { dtype, vocabulary, rank, positions: chosen ? "chosen" : last ? "last" : "all" };
}

function cacheOf(
  info: ValueInfo,
  role: CacheRole,
  outputs: ReadonlyMap<string, ValueInfo>,
  { readers, headSize }: OnnxFacts,
): OnnxCache {
  const { name: past, dtype } = info;
  if (!isFloat(dtype)) refuse(info, "is a cache of a type not known here: float32, float16 or bfloat16");
  const names = [past.replace("past_key_values", "present"), past.replace("past", "present")];
  const present = names.find((name) => outputs.has(name));
  if (present === undefined) refuse(info, `has no output ${[...new Set(names)].join(" or ")} to carry it on`);
  const ops = readers.get(past) ?? [];
  const other = ops.find((op) => OTHER_CACHES.includes(op));
  if (other) refuse(info, `is read by ${other}, whose cache is laid out in a way not known here`);
  const keyOrValue = role === "key" || role === "value";
  // Where another operator reads the cache too, that is its length, which a buffer of the longest length would belie.
  const shared = keyOrValue && ops.length > 0 && ops.every((op) => op === GROUP_QUERY);
  return {
    role,
    past,
    present,
    dtype,
    carry: shared ? "shared" : keyOrValue ? "growing" : "fixed",
    shape: keyOrValue ? tokenAxis(info, outputs.get(present)!, headSize) : fixedAxes(info),
  };
}

/** [batch, heads, length, channels] as others have it, the length wherever it is. */
function tokenAxis(info: ValueInfo, present: ValueInfo, headSize: number | null): OnnxCache["shape"] {
  const { shape } = info;
  if (shape.length !== 4) refuse(info, "must be [batch, heads, length, channels]");
  const sizes = shape.map((size, axis) => (typeof size === "string" ? present.shape[axis]! : size));
  const channels = sizes[3]!;
  if (typeof channels === "string") {
    if (headSize === null)
      refuse(info, `has a number of channels that its shape does not say; give the head size (--head-size)`);
    sizes[3] = headSize;
  } else if (headSize !== null && headSize !== channels)
    refuse(info, `has ${channels} channels, but the head size is given as ${headSize}`);
  const free = [1, 2, 3].filter((axis) => typeof sizes[axis] === "string");
  if (free.length !== 1)
    refuse(
      info,
      free.length === 0
        ? "has a fixed length; export it with a length that grows"
        : "must have one axis whose length is free, that of the tokens, beside the batch",
    );
  return sizes.map((size, axis) => (axis === 0 ? "batch" : typeof size === "number" ? size : "length"));
}

function fixedAxes(info: ValueInfo): OnnxCache["shape"] {
  return info.shape.map((size, axis) => {
    if (axis === 0) return "batch";
    if (typeof size === "number") return size;
    return refuse(info, `must have a fixed shape beside the batch, but "${size}" is free`);
  });
}

function batchOf(perSequence: readonly ValueInfo[]): number | null {
  const fixed = perSequence.find(({ shape }) => typeof shape[0] === "number");
  return fixed ? (fixed.shape[0] as number) : null;
}
