import type { RopeScaling } from "../blocks/rotary.js";
import type { Keys } from "./keys.js";

type Kind = RopeScaling["rope_type"];

/**
 * Rotary positions, as transformers 5 reads them: in the older spelling `rope_theta` and `rope_scaling`, whose kind may be
 * called `type`, in the newer one all of it in `rope_parameters`. Where a file has both, `rope_scaling` counts. θ is 10000
 * where none is given.
 *
 * @param standard `kinds` of scaling that the architecture has in transformers, and here; `original` positions where the
 * file names none (default: all)
 */
export function readRope(
  keys: Keys,
  headDim: number,
  positions: number,
  { kinds, original: standard = positions }: { kinds: readonly Kind[]; original?: number },
): { rope_theta: number; rope_scaling: RopeScaling | null } {
  const older = keys.inner("rope_scaling");
  const [at, scaling] = older ? ["rope_scaling", older] : ["rope_parameters", keys.inner("rope_parameters")];
  for (const of of [keys, scaling]) of?.only("partial_rotary_factor", 1, [1]);
  const rope_theta = (scaling?.value("rope_theta") === undefined ? keys : scaling).positive(
    "rope_theta",
    1e4,
  );
  if (!scaling) return { rope_theta, rope_scaling: null };
  if (scaling.value("full_attention") !== undefined)
    throw keys.wrong(at, "one rotation for all layers is supported, not one for each kind of layer");
  const key =
    scaling.value("rope_type") === undefined && scaling.value("type") !== undefined ? "type" : "rope_type";
  const kind = scaling.text(key, "default");
  if (kind === "default") return { rope_theta, rope_scaling: null };
  const known = kinds.find((one) => one === (LONG_NAMES.includes(kind) ? "longrope" : kind));
  if (!known) throw scaling.wrong(key, `only ${["default", ...kinds].join(" and ")} is supported`);
  const original =
    keys.value("original_max_position_embeddings") === undefined
      ? scaling.count("original_max_position_embeddings", "positions", standard, MOST_POSITIONS)
      : keys.count("original_max_position_embeddings", "positions", undefined, MOST_POSITIONS);
  const read = { llama3: readLlama3, longrope: readLongRope }[known];
  return { rope_theta, rope_scaling: read(scaling, original, headDim, positions) };
}

/** Of a config's context. */
export const MOST_POSITIONS = 2 ** 31 - 1;

/** Earlier names: of the first release of Phi-3. */
const LONG_NAMES = ["su", "longrope"];

function readLlama3(scaling: Keys, original: number): RopeScaling {
  const low = scaling.positive("low_freq_factor");
  const high = scaling.positive("high_freq_factor");
  if (low >= high) throw scaling.wrong("high_freq_factor", `it must be above low_freq_factor, ${low}`);
  return {
    rope_type: "llama3",
    factor: scaling.positive("factor"),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  };
}

/** The attention factor follows from `factor`, which follows from the positions: both are filled in. */
function readLongRope(scaling: Keys, original: number, headDim: number, positions: number): RopeScaling {
  // Of other members of the family (Phi-3.5-MoE), one for each list.
  for (const key of ["short_mscale", "long_mscale"])
    if (scaling.value(key) !== undefined)
      throw scaling.wrong(key, "one attention_factor for all is supported");
  const factor = scaling.positive("factor", positions / original);
  const divisors = (key: string): readonly number[] => {
    const list = scaling.numbers(key, headDim / 2, "one a pair of a head's components");
    if (list.every((divisor) => divisor > 0)) return list;
    throw scaling.wrong(key, "its numbers must be above 0");
  };
  return {
    rope_type: "longrope",
    factor,
    original_max_position_embeddings: original,
    short_factor: divisors("short_factor"),
    long_factor: divisors("long_factor"),
    attention_factor: scaling.positive(
      "attention_factor",
      factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)),
    ),
  };
}
