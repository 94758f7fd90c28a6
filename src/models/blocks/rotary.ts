/**
 * rope_scaling of config.json: how the published angles were stretched for a longer context. `rope_type` is called `type`
 * in older files.
 */
export type RopeScaling = Llama3Scaling | LongRopeScaling;

interface Llama3Scaling {
  readonly rope_type: "llama3";
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}

interface LongRopeScaling {
  readonly rope_type: "longrope";
  /** Of the maximum positions to the original ones. */
  readonly factor: number;
  readonly original_max_position_embeddings: number;
  /** One divisor a pair of components, for sequences of at most the original positions. */
  readonly short_factor: readonly number[];
  /** The same for longer ones. */
  readonly long_factor: readonly number[];
  /** Of cos and sin, whatever the length. Default: √(1 + ln factor / ln original positions). */
  readonly attention_factor?: number;
}

export interface Rotation {
  /** Radians a position, one for each pair of components. */
  readonly frequencies: readonly number[];
  /** What cos and sin are multiplied by. */
  readonly magnitude: number;
}

/**
 * The rotation of heads of `headDim` components: θ^(−2i/headDim) (Su et al., arXiv 2104.09864), stretched.
 *
 * Long-rope chooses by the length of the sequence, and all of a sequence's keys must be turned alike. transformers looks at
 * the length so far: where a sequence outgrows the original positions, its `generate` drops the cache and computes the
 * prompt anew. Here `positions` is the whole length that is to come, prompt and new tokens, so the choice is made once:
 * beyond the original positions the logits are those of transformers, and so they are for a sequence that stays within
 * them; only what a sequence gives before it outgrows them differs.
 *
 * @param positions of the longest sequence to come: cells that share a model share its tables, and so this choice
 */
export function rotation(
  theta: number,
  headDim: number,
  positions: number,
  scaling?: RopeScaling | null,
): Rotation {
  const frequencies = Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim));
  switch (scaling?.rope_type) {
    case undefined:
      return { frequencies, magnitude: 1 };
    case "llama3":
      return { frequencies: frequencies.map((frequency) => llama3(frequency, scaling)), magnitude: 1 };
    case "longrope": {
      const original = scaling.original_max_position_embeddings;
      const divisors = positions > original ? scaling.long_factor : scaling.short_factor;
      return {
        frequencies: frequencies.map((frequency, i) => frequency / divisors[i]!),
        magnitude: scaling.attention_factor ?? Math.sqrt(1 + Math.log(scaling.factor) / Math.log(original)),
      };
    }
  }
}

/**
 * Wavelengths that the original context held several times stay, those it did not hold once grow by the factor, between
 * them the frequency is interpolated. Source: transformers modeling_rope_utils, llama3; active at every length.
 */
function llama3(frequency: number, scaling: Llama3Scaling): number {
  const { factor, low_freq_factor: low, high_freq_factor: high } = scaling;
  const held = (scaling.original_max_position_embeddings * frequency) / (2 * Math.PI);
  const kept = Math.min(1, Math.max(0, (held - low) / (high - low)));
  return frequency * ((1 - kept) / factor + kept);
}
