import { UserError } from "../errors.js";
import { elements } from "../graph/index.js";
import type { BuildOptions, Lowering, ModelGraph, WeightSpec } from "./decoder.js";
import { buildFalconH1, type FalconH1Config } from "./falcon-h1.js";
import { buildGptNeo, type GptNeoConfig } from "./gpt-neo.js";
import { buildMamba, type MambaConfig } from "./mamba.js";
import { buildMamba2, type Mamba2Config } from "./mamba2.js";
import { closest } from "./nearest.js";
import { buildQwen2, type Qwen2Config } from "./qwen2.js";

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
    | { readonly arch: "qwen2"; readonly config: Qwen2Config }
    | { readonly arch: "mamba"; readonly config: MambaConfig }
    | { readonly arch: "mamba2"; readonly config: Mamba2Config }
    | { readonly arch: "falcon_h1"; readonly config: FalconH1Config }
  );

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
    name: "mamba-130m",
    family: "ssm",
    arch: "mamba",
    hfId: "state-spaces/mamba-130m-hf",
    parameters: 129_135_360,
    source: "config.json of the -hf checkpoint; state-spaces/mamba e9594ce",
    config: {
      vocab_size: 50280,
      hidden_size: 768,
      num_hidden_layers: 24,
      intermediate_size: 1536,
      state_size: 16,
      conv_kernel: 4,
      time_step_rank: 48,
      layer_norm_epsilon: 1e-5,
    },
  },
  {
    name: "mamba2-130m",
    family: "ssm",
    arch: "mamba2",
    hfId: "state-spaces/mamba2-130m",
    parameters: 128_989_632,
    source: "strict load of state-spaces/mamba2-130m rev 3a5aea0c; block defaults of mamba_ssm e9594ce",
    config: {
      vocab_size: 50288,
      hidden_size: 768,
      num_hidden_layers: 24,
      expand: 2,
      num_heads: 24,
      head_dim: 64,
      n_groups: 1,
      state_size: 128,
      conv_kernel: 4,
      layer_norm_epsilon: 1e-5,
    },
  },
  {
    name: "mamba2-780m",
    family: "ssm",
    arch: "mamba2",
    hfId: "state-spaces/mamba2-780m",
    parameters: 780_161_280,
    source:
      "mixer_seq_simple and block defaults of mamba_ssm e9594ce; weight bytes measured by the paper's artifact",
    config: {
      vocab_size: 50288,
      hidden_size: 1536,
      num_hidden_layers: 48,
      expand: 2,
      num_heads: 48,
      head_dim: 64,
      n_groups: 1,
      state_size: 128,
      conv_kernel: 4,
      layer_norm_epsilon: 1e-5,
    },
  },
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
];

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
      return buildQwen2(model.config, options);
    case "mamba":
      return buildMamba(model.config, options);
    case "mamba2":
      return buildMamba2(model.config, options);
    case "falcon_h1":
      return buildFalconH1(model.config, options);
  }
}

/** The lowerings an architecture has, its default first. Empty: no SSM block. */
export function lowerings(model: Model): readonly Lowering[] {
  switch (model.arch) {
    case "mamba":
      return ["linear-attention"];
    case "mamba2":
    case "falcon_h1":
      return ["ssd-matmul", "linear-attention"];
    default:
      return [];
  }
}

/** Longest sequence the published model was made for; undefined where it has no positions. */
export const maxPositions = (model: Model): number | undefined =>
  "max_position_embeddings" in model.config ? model.config.max_position_embeddings : undefined;

/** Number of parameters of a graph's weights. */
export function countParameters(weights: readonly WeightSpec[]): number {
  const parts = weights.flatMap((weight) => (weight.role === "parameter" ? weight.parts : []));
  // Several weights may be rows of one tensor.
  const shapes = new Map(parts.map(({ name, shape }) => [name, shape]));
  return [...shapes.values()].reduce((count, shape) => count + elements(shape), 0);
}
