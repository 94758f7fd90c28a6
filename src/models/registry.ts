import { UserError } from "../errors.js";
import { elements } from "../graph/index.js";
import type { BuildOptions, Lowering, ModelGraph, WeightSpec } from "./decoder.js";
import { buildFalconH1, type FalconH1Config } from "./falcon-h1.js";
import { buildGatedDecoder, type GatedArch, type GatedDecoderConfig } from "./gated-decoder.js";
import { buildGptNeo, type GptNeoConfig } from "./gpt-neo.js";
import { buildHymba, type HymbaConfig } from "./hymba.js";
import { buildMamba, type MambaConfig } from "./mamba.js";
import { buildMamba2, type Mamba2Config } from "./mamba2.js";
import { closest } from "./nearest.js";
import { PHI3_MINI_128K_ROPE } from "./phi3-rope.js";
import { buildZamba2, type Zamba2Config } from "./zamba2.js";

/** What a model mixes tokens by: attention, a state, or both. */
export type Family = "transformer" | "ssm" | "hybrid";

interface Common {
  readonly name: string;
  readonly family: Family;
  /** Repository whose config.json the values were taken from. */
  readonly hfId: string;
  /** Published parameter count, tied tensors counted once. */
  readonly parameters: number;
  /** Where the hyper-parameters and the count come from. */
  readonly source: string;
  /** Hyper-parameters that were not found published: their values are what the sizes beside it suggest. */
  readonly provisional?: readonly string[];
}

/** A model: its published hyper-parameters, in the key names of config.json, and the architecture that reads them. */
export type Model = Common &
  (
    | { readonly arch: "gpt_neo"; readonly config: GptNeoConfig }
    | { readonly arch: GatedArch; readonly config: GatedDecoderConfig }
    | { readonly arch: "mamba"; readonly config: MambaConfig }
    | { readonly arch: "mamba2"; readonly config: Mamba2Config }
    | { readonly arch: "falcon_h1"; readonly config: FalconH1Config }
    | { readonly arch: "zamba2"; readonly config: Zamba2Config }
    | { readonly arch: "hymba"; readonly config: HymbaConfig }
  );

/** The models of the paper by their names. */
export const REGISTRY: readonly Model[] = [
  {
    name: "gpt-neo-125m",
    family: "transformer",
    arch: "gpt_neo",
    hfId: "EleutherAI/gpt-neo-125m",
    parameters: 125_198_592,
    source: "config.json rev 8741c104; transformers modeling_gpt_neo",
    config: {
      vocab_size: 50257,
      hidden_size: 768,
      num_layers: 12,
      num_heads: 12,
      intermediate_size: null,
      max_position_embeddings: 2048,
      window_size: 256,
      attention_layers: Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? "global" : "local")),
      layer_norm_epsilon: 1e-5,
    },
  },
  {
    name: "qwen2.5-0.5b",
    family: "transformer",
    arch: "qwen2",
    hfId: "Qwen/Qwen2.5-0.5B",
    parameters: 494_032_768,
    source: "config.json rev 060db6499f; transformers modeling_qwen2",
    config: {
      vocab_size: 151936,
      hidden_size: 896,
      num_hidden_layers: 24,
      num_attention_heads: 14,
      num_key_value_heads: 2,
      intermediate_size: 4864,
      max_position_embeddings: 32768,
      rms_norm_eps: 1e-6,
      rope_theta: 1e6,
      tie_word_embeddings: true,
    },
  },
  {
    name: "qwen2.5-1.5b",
    family: "transformer",
    arch: "qwen2",
    // The base model's maximum of positions is not confirmed, this one's is; their tensors are alike.
    hfId: "Qwen/Qwen2.5-1.5B-Instruct",
    parameters: 1_543_714_304,
    source:
      "config.json (several public copies); safetensors total of Qwen2.5-1.5B; transformers modeling_qwen2",
    config: {
      vocab_size: 151936,
      hidden_size: 1536,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
      intermediate_size: 8960,
      max_position_embeddings: 32768,
      rms_norm_eps: 1e-6,
      rope_theta: 1e6,
      tie_word_embeddings: true,
    },
  },
  {
    name: "llama-3.2-1b",
    family: "transformer",
    arch: "llama",
    hfId: "meta-llama/Llama-3.2-1B",
    parameters: 1_235_814_400,
    source: "config.json (public copies, the repository is gated); transformers modeling_llama",
    config: {
      vocab_size: 128256,
      hidden_size: 2048,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      intermediate_size: 8192,
      max_position_embeddings: 131072,
      rms_norm_eps: 1e-5,
      rope_theta: 5e5,
      rope_scaling: {
        rope_type: "llama3",
        factor: 32,
        low_freq_factor: 1,
        high_freq_factor: 4,
        original_max_position_embeddings: 8192,
      },
      tie_word_embeddings: true,
    },
  },
  {
    name: "tinyllama-1.1b",
    family: "transformer",
    arch: "llama",
    hfId: "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    parameters: 1_100_048_384,
    source: "config.json; transformers modeling_llama; its own head follows from the published count",
    config: {
      vocab_size: 32000,
      hidden_size: 2048,
      num_hidden_layers: 22,
      num_attention_heads: 32,
      num_key_value_heads: 4,
      intermediate_size: 5632,
      max_position_embeddings: 2048,
      rms_norm_eps: 1e-5,
      rope_theta: 1e4,
      tie_word_embeddings: false,
    },
  },
  {
    name: "phi-3-mini-128k",
    family: "transformer",
    arch: "phi3",
    hfId: "microsoft/Phi-3-mini-128k-instruct",
    parameters: 3_821_079_552,
    source: "config.json; weight bytes measured by the paper's artifact; transformers modeling_phi3",
    config: {
      vocab_size: 32064,
      hidden_size: 3072,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      intermediate_size: 8192,
      max_position_embeddings: 131072,
      rms_norm_eps: 1e-5,
      rope_theta: 1e4,
      rope_scaling: PHI3_MINI_128K_ROPE,
      tie_word_embeddings: false,
    },
  },
  mamba("130m", 129_135_360, { hidden_size: 768, num_hidden_layers: 24, time_step_rank: 48 }),
  mamba("370m", 371_516_416, { hidden_size: 1024, num_hidden_layers: 48, time_step_rank: 64 }),
  mamba("790m", 793_204_224, { hidden_size: 1536, num_hidden_layers: 48, time_step_rank: 96 }),
  mamba("1.4b", 1_372_178_432, { hidden_size: 2048, num_hidden_layers: 48, time_step_rank: 128 }),
  mamba("2.8b", 2_768_345_600, { hidden_size: 2560, num_hidden_layers: 64, time_step_rank: 160 }),
  mamba2(
    "130m",
    128_989_632,
    { hidden_size: 768, num_hidden_layers: 24, num_heads: 24 },
    "strict load of rev 3a5aea0c",
  ),
  mamba2("370m", 368_346_624, { hidden_size: 1024, num_hidden_layers: 48, num_heads: 32 }, "published count"),
  mamba2(
    "780m",
    780_161_280,
    { hidden_size: 1536, num_hidden_layers: 48, num_heads: 48 },
    "weight bytes measured by the paper's artifact",
  ),
  mamba2(
    "1.3b",
    1_343_757_312,
    { hidden_size: 2048, num_hidden_layers: 48, num_heads: 64 },
    "count summed over its shapes, no exact one is published",
  ),
  mamba2(
    "2.7b",
    2_702_599_680,
    { hidden_size: 2560, num_hidden_layers: 64, num_heads: 80 },
    "published count",
  ),
  {
    name: "falcon-h1-0.5b",
    family: "hybrid",
    arch: "falcon_h1",
    hfId: "tiiuae/Falcon-H1-0.5B-Base",
    parameters: 521_411_104,
    source: "config.json as in the test of NVIDIA Megatron-Bridge; transformers modeling_falcon_h1 001f85b",
    config: {
      vocab_size: 32784,
      hidden_size: 1024,
      num_hidden_layers: 36,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      head_dim: 64,
      intermediate_size: 2048,
      max_position_embeddings: 16384,
      rms_norm_eps: 1e-5,
      rope_theta: 1e11,
      tie_word_embeddings: false,
      mamba_d_ssm: 1536,
      mamba_n_heads: 24,
      mamba_d_head: 64,
      mamba_d_state: 128,
      mamba_n_groups: 1,
      mamba_d_conv: 4,
      mamba_rms_norm: false,
      mamba_norm_before_gate: false,
      embedding_multiplier: 5.656854249492381,
      lm_head_multiplier: 0.0390625,
      attention_in_multiplier: 1,
      attention_out_multiplier: 0.9375,
      key_multiplier: 0.39062499999999994,
      ssm_in_multiplier: 1.25,
      ssm_out_multiplier: 0.23570226039551587,
      ssm_multipliers: [0.3535533905932738, 0.25, 0.3535533905932738, 0.5, 0.3535533905932738],
      mlp_multipliers: [0.8838834764831844, 0.5859375],
    },
  },
  {
    name: "falcon-h1-1.5b",
    family: "hybrid",
    arch: "falcon_h1",
    hfId: "tiiuae/Falcon-H1-1.5B-Base",
    parameters: 1_554_859_392,
    source:
      "table of the sizes in the documentation of transformers; transformers modeling_falcon_h1 001f85b",
    provisional: [
      "rms_norm_eps",
      "mamba_norm_before_gate",
      "embedding_multiplier",
      "attention_in_multiplier",
      "key_multiplier",
      "ssm_in_multiplier",
      "ssm_multipliers",
    ],
    config: {
      vocab_size: 65536,
      hidden_size: 2048,
      num_hidden_layers: 24,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      head_dim: 128,
      intermediate_size: 4608,
      max_position_embeddings: 131072,
      rms_norm_eps: 1e-5,
      rope_theta: 1e11,
      tie_word_embeddings: false,
      mamba_d_ssm: 3072,
      mamba_n_heads: 48,
      mamba_d_head: 64,
      mamba_d_state: 256,
      mamba_n_groups: 1,
      mamba_d_conv: 4,
      mamba_rms_norm: true,
      mamba_norm_before_gate: false,
      embedding_multiplier: 5.656854249492381,
      lm_head_multiplier: 0.01953125,
      attention_in_multiplier: 1,
      attention_out_multiplier: 0.234375,
      key_multiplier: 0.06905339660024878,
      ssm_in_multiplier: 0.625,
      ssm_out_multiplier: 0.11785113019775793,
      ssm_multipliers: [0.3535533905932738, 0.25, 0.1767766952966369, 0.5, 0.3535533905932738],
      mlp_multipliers: [0.4419417382415922, 0.13020833333333331],
    },
  },
  zamba2("1.2B", 1_215_064_704, "count in a public freeze record", {
    hidden_size: 2048,
    num_hidden_layers: 38,
    hybrid_layer_ids: [5, 11, 17, 23, 29, 35],
    num_mem_blocks: 1,
    intermediate_size: 8192,
    use_mem_rope: true,
    rope_theta: 1e4,
    use_shared_attention_adapter: true,
    mamba_d_state: 128,
    n_mamba_heads: 64,
  }),
  zamba2("2.7B", 2_662_214_560, "count summed over its shapes, no exact one is published", {
    hidden_size: 2560,
    num_hidden_layers: 54,
    hybrid_layer_ids: [6, 12, 18, 24, 30, 36, 42, 47, 51],
    num_mem_blocks: 2,
    intermediate_size: 10240,
    use_mem_rope: false,
    rope_theta: null,
    use_shared_attention_adapter: false,
    mamba_d_state: 64,
    n_mamba_heads: 80,
  }),
  {
    name: "hymba-1.5b",
    family: "hybrid",
    arch: "hymba",
    hfId: "nvidia/Hymba-1.5B-Base",
    parameters: 1_522_797_824,
    source: "config.json and modeling_hymba.py (public copies of both), flex path; not in transformers",
    config: {
      vocab_size: 32001,
      hidden_size: 1600,
      num_hidden_layers: 32,
      num_attention_heads: 25,
      num_key_value_heads: 5,
      v_head_dim: 128,
      intermediate_size: 5504,
      max_position_embeddings: 8192,
      orig_max_position_embeddings: 2048,
      rope_theta: 1e4,
      rms_norm_eps: 1e-6,
      mamba_expand: 2,
      mamba_d_state: 16,
      mamba_d_conv: 4,
      mamba_dt_rank: 100,
      num_memory_tokens: 128,
      sliding_window: 1024,
      global_attn_idx: [0, 15, 31],
      kv_reuse_group: [
        ...[1, 3, 5, 7, 9, 11, 13].map((layer) => [layer, layer + 1]),
        [16, 17, 18],
        ...[19, 21, 23, 25, 27, 29].map((layer) => [layer, layer + 1]),
      ],
    },
  },
];

/** A size of Mamba. Its vocabulary of 50277 is padded to a multiple of 8 in every checkpoint. */
function mamba(
  size: string,
  parameters: number,
  own: Pick<MambaConfig, "hidden_size" | "num_hidden_layers" | "time_step_rank">,
): Model {
  return {
    name: `mamba-${size}`,
    family: "ssm",
    arch: "mamba",
    hfId: `state-spaces/mamba-${size}-hf`,
    parameters,
    source: "config.json of the -hf checkpoint; state-spaces/mamba e9594ce",
    config: {
      vocab_size: 50280,
      ...own,
      intermediate_size: 2 * own.hidden_size,
      state_size: 16,
      conv_kernel: 4,
      layer_norm_epsilon: 1e-5,
    },
  };
}

/** A size of Mamba-2. Its vocabulary of 50277 is padded to a multiple of 16 in every checkpoint. */
function mamba2(
  size: string,
  parameters: number,
  own: Pick<Mamba2Config, "hidden_size" | "num_hidden_layers" | "num_heads">,
  counted: string,
): Model {
  return {
    name: `mamba2-${size}`,
    family: "ssm",
    arch: "mamba2",
    hfId: `state-spaces/mamba2-${size}`,
    parameters,
    source: `mixer_seq_simple and block defaults of mamba_ssm e9594ce; ${counted}`,
    config: {
      vocab_size: 50288,
      ...own,
      expand: 2,
      head_dim: 64,
      n_groups: 1,
      state_size: 128,
      conv_kernel: 4,
      layer_norm_epsilon: 1e-5,
    },
  };
}

/** A size of Zamba2. */
function zamba2(
  size: "1.2B" | "2.7B",
  parameters: number,
  counted: string,
  own: Pick<
    Zamba2Config,
    | "hidden_size"
    | "num_hidden_layers"
    | "hybrid_layer_ids"
    | "num_mem_blocks"
    | "intermediate_size"
    | "use_mem_rope"
    | "rope_theta"
    | "use_shared_attention_adapter"
    | "mamba_d_state"
    | "n_mamba_heads"
  >,
): Model {
  return {
    name: `zamba2-${size.toLowerCase()}`,
    family: "hybrid",
    arch: "zamba2",
    hfId: `Zyphra/Zamba2-${size}`,
    parameters,
    source: `config.json as swept in hlky/dinoml_v2 (2026-05-13); transformers modular_zamba2 00511f5; ${counted}`,
    // The bounds of Δ: none, as in the published path with kernels.
    provisional: ["time_step_limit"],
    config: {
      vocab_size: 32000,
      ...own,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      max_position_embeddings: 4096,
      rms_norm_eps: 1e-5,
      adapter_rank: 128,
      mamba_d_conv: 4,
      mamba_expand: 2,
      mamba_ngroups: 1,
    },
  };
}

/** Names of the registry, in its order. */
export const modelNames = (): string[] => REGISTRY.map(({ name }) => name);

/** The model of that name; otherwise a UserError with the nearest names. */
export function findModel(name: string): Model {
  const model = REGISTRY.find((entry) => entry.name === name.toLowerCase());
  if (model) return model;
  throw new UserError(
    `there is no model "${name}"; did you mean ${closest(name, modelNames(), 2).join(" or ")}? \`ssm-scope models\` lists them all`,
  );
}

/** The model as an ONNX graph. */
export function buildModel(model: Model, options: BuildOptions): ModelGraph {
  switch (model.arch) {
    case "gpt_neo":
      return buildGptNeo(model.config, options);
    case "qwen2":
    case "llama":
    case "phi3":
      return buildGatedDecoder(model.arch, model.config, options);
    case "mamba":
      return buildMamba(model.config, options);
    case "mamba2":
      return buildMamba2(model.config, options);
    case "falcon_h1":
      return buildFalconH1(model.config, options);
    case "zamba2":
      return buildZamba2(model.config, options);
    case "hymba":
      return buildHymba(model.config, options);
  }
}

/** The lowerings an architecture has, the default among those of stock operators first. Empty: no SSM block. */
export function lowerings(model: Model): readonly Lowering[] {
  switch (model.arch) {
    case "mamba":
      return ["linear-attention", ...fused(model.config.conv_kernel)];
    case "hymba":
      return ["linear-attention", ...fused(model.config.mamba_d_conv)];
    case "mamba2":
      return ["ssd-matmul", "linear-attention", ...fused(model.config.conv_kernel, model.config.state_size)];
    case "falcon_h1":
    case "zamba2":
      return [
        "ssd-matmul",
        "linear-attention",
        ...fused(model.config.mamba_d_conv, model.config.mamba_d_state),
      ];
    default:
      return [];
  }
}

/** Our own operators take a convolution of 4 at most, and heads of 256 states. */
const fused = (convWidth: number, state = 0): Lowering[] => (convWidth <= 4 && state <= 256 ? ["fused"] : []);

/** Longest sequence the published model was made for; undefined where it has no positions. */
export const maxPositions = (model: Model): number | undefined =>
  "max_position_embeddings" in model.config ? model.config.max_position_embeddings : undefined;

/**
 * Tokens of its own that a model has put before every prompt, beside the positions it was made for. Their ids follow those
 * of the vocabulary.
 */
export const prefixTokens = (model: Model): number =>
  "num_memory_tokens" in model.config ? model.config.num_memory_tokens : 0;

/** Number of parameters of a graph's weights. */
export function countParameters(weights: readonly WeightSpec[]): number {
  const parts = weights.flatMap((weight) => (weight.role === "parameter" ? weight.parts : []));
  // Several weights may be rows of one tensor.
  const shapes = new Map(parts.map(({ name, shape }) => [name, shape]));
  return [...shapes.values()].reduce((count, shape) => count + elements(shape), 0);
}
