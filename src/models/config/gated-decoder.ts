import type { GatedArch, GatedDecoderConfig } from "../gated-decoder.js";
import { headDimOf } from "../gated-decoder.js";
import type { Keys } from "./keys.js";
import { MOST_POSITIONS, readRope } from "./rope.js";

/** What the classes of transformers 5.23 differ in: configuration_qwen2, configuration_llama, configuration_phi3. */
const STANDARD = {
  qwen2: { positions: 32768, eps: 1e-6, kvHeads: 32, kinds: ["llama3", "longrope"] },
  llama: { positions: 2048, eps: 1e-6, kvHeads: null, kinds: ["llama3", "longrope"] },
  phi3: { positions: 4096, eps: 1e-5, kvHeads: null, kinds: ["longrope"], original: 4096 },
} as const satisfies Record<GatedArch, unknown>;

/** Qwen2, Llama and Phi-3. Biases are those of the architecture; no window narrower than the positions. */
export const readGatedDecoder =
  (arch: GatedArch) =>
  (keys: Keys): GatedDecoderConfig => {
    const standard = STANDARD[arch];
    keys.only("hidden_act", "silu", ["silu"]);
    for (const key of arch === "llama" ? ["attention_bias", "mlp_bias"] : []) keys.only(key, false, [false]);
    const heads = keys.count("num_attention_heads", "heads", 32);
    const kvHeads = keys.isNull("num_key_value_heads") ? heads : (standard.kvHeads ?? heads);
    const config = {
      vocab_size: keys.count("vocab_size", "tokens"),
      hidden_size: keys.count("hidden_size", "channels"),
      num_hidden_layers: keys.layers("num_hidden_layers"),
      num_attention_heads: heads,
      num_key_value_heads: keys.count("num_key_value_heads", "heads", kvHeads),
      ...(keys.value("head_dim") !== undefined && { head_dim: keys.count("head_dim", "channels") }),
      intermediate_size: keys.count("intermediate_size", "channels"),
      max_position_embeddings: keys.count(
        "max_position_embeddings",
        "positions",
        standard.positions,
        MOST_POSITIONS,
      ),
      rms_norm_eps: keys.positive("rms_norm_eps", standard.eps),
      tie_word_embeddings: keys.flag("tie_word_embeddings", false),
    };
    const head_dim = readHeads(keys, config);
    refuseWindow(keys, arch, config);
    return { ...config, head_dim, ...readRope(keys, head_dim, config.max_position_embeddings, standard) };
  };

/** Components of a head; refuses heads that do not divide what they must. */
export function readHeads(
  keys: Keys,
  config: Pick<
    GatedDecoderConfig,
    "head_dim" | "hidden_size" | "num_attention_heads" | "num_key_value_heads"
  >,
): number {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const headDim = headDimOf(config);
  if (!Number.isInteger(headDim))
    throw keys.wrong("num_attention_heads", `it must divide hidden_size, ${config.hidden_size}`);
  if (heads % kvHeads !== 0)
    throw keys.wrong("num_key_value_heads", `it must divide num_attention_heads, ${heads}`);
  // ONNX Runtime's GroupQueryAttention turns whole blocks of 16 components.
  if (headDim % 16 !== 0)
    throw keys.wrong(
      keys.value("head_dim") === undefined ? "num_attention_heads" : "head_dim",
      `heads of ${headDim} components are not supported, only multiples of 16`,
    );
  return headDim;
}

function refuseWindow(
  keys: Keys,
  arch: GatedArch,
  {
    max_position_embeddings: positions,
    num_hidden_layers: layers,
  }: Pick<GatedDecoderConfig, "max_position_embeddings" | "num_hidden_layers">,
): void {
  if (arch === "llama" || keys.value("sliding_window") === undefined) return;
  const window = keys.count("sliding_window", "positions", undefined, MOST_POSITIONS);
  const active = arch === "phi3" || (keys.flag("use_sliding_window", false) && slides(keys, layers));
  if (active && window < positions)
    throw keys.wrong(
      "sliding_window",
      `attention to all ${positions} positions (max_position_embeddings) is supported for ${arch}, no narrower window`,
    );
}

/** Whether Qwen2 has layers with a window, once windows are switched on. */
function slides(keys: Keys, layers: number): boolean {
  const types = keys.value("layer_types");
  if (Array.isArray(types)) return types.some((type) => type !== "full_attention");
  return layers > keys.number("max_window_layers", 28);
}
