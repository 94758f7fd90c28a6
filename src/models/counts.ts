import type { FalconH1Config } from "./falcon-h1.js";
import { GATED, headDimOf, type GatedArch, type GatedDecoderConfig } from "./gated-decoder.js";
import type { GptNeoConfig } from "./gpt-neo.js";
import { headDimOf as hymbaHeadDim, kvSourceOf, type HymbaConfig } from "./hymba.js";
import type { MambaConfig } from "./mamba.js";
import type { Mamba2Config } from "./mamba2.js";
import type { Model } from "./registry.js";
import { zamba2HeadDim, type Zamba2Config } from "./zamba2.js";

/**
 * What an architecture does and holds, counted from its published config alone: elements and FLOPs (1 multiply-add is
 * 2), never bytes or a lowering. Letters as in the papers: d hidden width, H and K query and key heads, h head width,
 * f MLP width, V vocabulary, n layers, E inner width, N state, G groups, R rank of Δ, C channels of the convolution.
 */
export interface Counts {
  /** Tied tensors counted once. */
  readonly parameters: number;
  /** Of them, in tables of which a pass reads only the rows it looks up: positions, an embedding that is not the head. */
  readonly lookedUp: number;
  /** Multiply-adds of all linear layers for one token, the head left out. */
  readonly linearMacs: number;
  /** Multiply-adds of the head for one position: V·d. */
  readonly headMacs: number;
  /** One entry a layer with attention. */
  readonly attention: readonly AttentionCounts[];
  /** FLOPs of all causal convolutions for one token: 2·k·C a layer. */
  readonly convFlops: number;
  readonly scan: ScanCounts;
  /** Elements of all growing key and value caches for one token of one sequence: 2·K·h a layer. */
  readonly kvElements: number;
  /** Of those that hold a bounded number of tokens, the same for one of them. */
  readonly boundedKv?: { readonly elements: number; readonly tokens: number };
  /** Tokens of the model's own before every prompt. Default 0. */
  readonly prefixTokens?: number;
  /** Elements of all SSM states of one sequence. */
  readonly ssmElements: number;
  /** Elements of all convolution states of one sequence: the k newest columns, as transformers and mamba_ssm keep them. */
  readonly convElements: number;
  /** The residual stream. */
  readonly stream: { readonly layers: number; readonly width: number; readonly float32: boolean };
  /** The most that must be alive for one token inside a layer, fused attention or scan: float32 and 16-bit-able elements. */
  readonly activation: { readonly float32: number; readonly elements: number };
}

export interface AttentionCounts {
  /** FLOPs for one query and one key: 4·H·h (scores and weighted values). */
  readonly flopsPerPair: number;
  /** Keys that a query sees, itself included; undefined: all. */
  readonly window: number | undefined;
}

export interface ScanCounts {
  /** FLOPs of all scans for one token, one after the other. */
  readonly stepFlops: number;
  /** FLOPs for one token of a prompt in chunks of Q tokens. */
  readonly chunkedFlops: (chunk: number) => number;
}

const NO_SCAN: ScanCounts = { stepFlops: 0, chunkedFlops: () => 0 };

export function countsOf(model: Model): Counts {
  switch (model.arch) {
    case "gpt_neo":
      return gptNeo(model.config);
    case "qwen2":
    case "llama":
    case "phi3":
      return gatedDecoder(model.arch, model.config);
    case "mamba":
      return mamba(model.config);
    case "mamba2":
      return mamba2(model.config);
    case "falcon_h1":
      return falconH1(model.config);
    case "zamba2":
      return zamba2(model.config);
    case "hymba":
      return hymba(model.config);
  }
}

/** Linear weights a layer: d(H + 2K)h + Hh·d + 3df; biases on q, k and v only, if at all. */
function gatedDecoder(arch: GatedArch, config: GatedDecoderConfig): Counts {
  const { hidden_size: d, num_hidden_layers: n, num_attention_heads: heads, intermediate_size: f } = config;
  const h = headDimOf(config);
  const qkv = (heads + 2 * config.num_key_value_heads) * h;
  const linear = d * qkv + heads * h * d + 3 * d * f;
  const embedding = config.vocab_size * d;
  const ownHead = config.tie_word_embeddings ? 0 : embedding;
  return {
    parameters: n * (linear + (GATED[arch].qkvBias ? qkv : 0) + 2 * d) + d + embedding + ownHead,
    lookedUp: config.tie_word_embeddings ? 0 : embedding,
    linearMacs: n * linear,
    headMacs: embedding,
    attention: Array.from({ length: n }, () => ({ flopsPerPair: 4 * heads * h, window: undefined })),
    convFlops: 0,
    scan: NO_SCAN,
    kvElements: 2 * n * config.num_key_value_heads * h,
    ssmElements: 0,
    convElements: 0,
    stream: { layers: n, width: d, float32: false },
    activation: { float32: 0, elements: 2 * d + Math.max(qkv, 2 * f) },
  };
}

/** Linear weights a layer: 4d² + 2df; biases on all linears but q, k and v, two in each LayerNorm; learned positions. */
function gptNeo(config: GptNeoConfig): Counts {
  const { hidden_size: d, num_layers: n } = config;
  const f = config.intermediate_size ?? 4 * d;
  const linear = 4 * d * d + 2 * d * f;
  const embedding = config.vocab_size * d;
  const positions = config.max_position_embeddings * d;
  return {
    parameters: n * (linear + (d + f + d) + 4 * d) + 2 * d + embedding + positions,
    lookedUp: positions,
    linearMacs: n * linear,
    headMacs: embedding,
    attention: Array.from({ length: n }, (_, layer) => ({
      flopsPerPair: 4 * d,
      window: config.attention_layers[layer] === "local" ? config.window_size : undefined,
    })),
    convFlops: 0,
    scan: NO_SCAN,
    kvElements: 2 * n * d,
    ssmElements: 0,
    convElements: 0,
    stream: { layers: n, width: d, float32: false },
    activation: { float32: 0, elements: 2 * d + Math.max(3 * d, f) },
  };
}

/**
 * A layer: in_proj 2dE, x_proj E(R + 2N), dt_proj RE, out_proj Ed; the scan 7EN + 5E FLOPs a token, exp counted as 1.
 * Its recurrence has no cheaper chunked form.
 */
function mamba(config: MambaConfig): Counts {
  const { hidden_size: d, num_hidden_layers: n, intermediate_size: inner, state_size: state } = config;
  const { conv_kernel: k, time_step_rank: rank } = config;
  const linear = 2 * d * inner + inner * (rank + 2 * state) + rank * inner + inner * d;
  const small = inner * k + inner + inner + inner * state + inner + d; // convolution, Δ bias, A, D, norm
  const embedding = config.vocab_size * d;
  const stepFlops = n * (7 * inner * state + 5 * inner);
  return {
    parameters: n * (linear + small) + d + embedding,
    lookedUp: 0,
    linearMacs: n * linear,
    headMacs: embedding,
    attention: [],
    convFlops: n * 2 * k * inner,
    scan: { stepFlops, chunkedFlops: () => stepFlops },
    kvElements: 0,
    ssmElements: n * inner * state,
    convElements: n * inner * k,
    stream: { layers: n, width: d, float32: true },
    activation: { float32: d, elements: 4 * inner + rank + 2 * state },
  };
}

/** A layer: in_proj d(2E + 2GN + H), out_proj Ed. */
function mamba2(config: Mamba2Config): Counts {
  const {
    hidden_size: d,
    num_hidden_layers: n,
    state_size: state,
    num_heads: heads,
    conv_kernel: k,
  } = config;
  const inner = config.expand * d;
  const directions = config.n_groups * state;
  const channels = inner + 2 * directions;
  const linear = d * (inner + channels + heads) + inner * d;
  const small = channels * k + channels + 3 * heads + inner + d; // convolution, Δ bias, A, D, gated norm, norm
  const embedding = config.vocab_size * d;
  return {
    parameters: n * (linear + small) + d + embedding,
    lookedUp: 0,
    linearMacs: n * linear,
    headMacs: embedding,
    attention: [],
    convFlops: n * 2 * k * channels,
    scan: stateSpaceDuality({ layers: n, heads, inner, state, directions }),
    kvElements: 0,
    ssmElements: n * inner * state,
    convElements: n * channels * k,
    stream: { layers: n, width: d, float32: true },
    activation: { float32: d, elements: inner + heads + 2 * channels },
  };
}

/**
 * A layer: q, k, v d(H + 2K)h, o Hh·d, MLP 3df, mixer as in Mamba-2 with its own E and heads H_m; no bias but the
 * convolution's, and the gated norm only where the config has it.
 */
function falconH1(config: FalconH1Config): Counts {
  const { hidden_size: d, num_hidden_layers: n, intermediate_size: f, head_dim: h } = config;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { mamba_d_ssm: inner, mamba_d_state: state, mamba_n_heads: ssmHeads, mamba_d_conv: k } = config;
  const directions = config.mamba_n_groups * state;
  const channels = inner + 2 * directions;
  const qkv = (heads + 2 * kvHeads) * h;
  const linear = d * qkv + heads * h * d + 3 * d * f + d * (inner + channels + ssmHeads) + inner * d;
  const norms = (config.mamba_rms_norm ? inner : 0) + 2 * d;
  const small = channels * k + channels + 3 * ssmHeads + norms; // convolution, Δ bias, A, D, norms
  const embedding = config.vocab_size * d;
  const ownHead = config.tie_word_embeddings ? 0 : embedding;
  return {
    parameters: n * (linear + small) + d + embedding + ownHead,
    lookedUp: ownHead,
    linearMacs: n * linear,
    headMacs: embedding,
    attention: Array.from({ length: n }, () => ({ flopsPerPair: 4 * heads * h, window: undefined })),
    convFlops: n * 2 * k * channels,
    scan: stateSpaceDuality({ layers: n, heads: ssmHeads, inner, state, directions }),
    kvElements: 2 * n * kvHeads * h,
    ssmElements: n * inner * state,
    convElements: n * channels * k,
    stream: { layers: n, width: d, float32: false },
    activation: {
      float32: 0,
      elements: 2 * d + Math.max(inner + ssmHeads + 2 * channels, d + qkv, 2 * f),
    },
  };
}

/**
 * A layer: a mixer as in Mamba-2. A use of a shared block: q, k, v 2d(H + 2K)h, o Hh·d, MLP 3df, its linear d², adapters
 * of rank r; matrices and norms of the blocks are held once and multiplied at every use. No bias but the convolution's.
 */
function zamba2(config: Zamba2Config): Counts {
  const { hidden_size: d, num_hidden_layers: n, intermediate_size: f, adapter_rank: rank } = config;
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, n_mamba_heads: ssmHeads } = config;
  const { mamba_d_state: state, mamba_d_conv: k } = config;
  const inner = config.mamba_expand * d;
  const directions = config.mamba_ngroups * state;
  const channels = inner + 2 * directions;
  const mixer = d * (inner + channels + ssmHeads) + inner * d;
  const small = channels * k + channels + 3 * ssmHeads + inner + d; // convolution, Δ bias, A, D, gated norm, norm
  const h = zamba2HeadDim(config);
  const qkv = (heads + 2 * kvHeads) * h;
  const uses = config.hybrid_layer_ids.length;
  const block = 2 * d * qkv + heads * h * d + 3 * d * f;
  const attentionAdapters = config.use_shared_attention_adapter ? rank * (3 * 2 * d + qkv) : 0;
  const ofUse = d * d + rank * (d + 2 * f) + attentionAdapters;
  const embedding = config.vocab_size * d;
  const blocks = Math.min(config.num_mem_blocks, uses);
  return {
    parameters: n * (mixer + small) + uses * ofUse + blocks * (block + 3 * d) + d + embedding,
    lookedUp: 0,
    linearMacs: n * mixer + uses * (block + ofUse),
    headMacs: embedding,
    attention: Array.from({ length: uses }, () => ({ flopsPerPair: 4 * heads * h, window: undefined })),
    convFlops: n * 2 * k * channels,
    scan: stateSpaceDuality({ layers: n, heads: ssmHeads, inner, state, directions }),
    kvElements: 2 * uses * kvHeads * h,
    ssmElements: n * inner * state,
    convElements: n * channels * k,
    stream: { layers: n, width: d, float32: false },
    // Stream and embedding are alive throughout; with them what q, k and v are made of, the MLP, or the mixer.
    activation: {
      float32: 0,
      elements: Math.max(2 * d + 2 * d + qkv, 3 * d + 4 * f, 2 * d + inner + ssmHeads + 2 * channels),
    },
  };
}

/**
 * Hymba, a layer, h and v the widths of a key and a value: in_proj d(Hh + 2E) and, with keys and values of its own,
 * dK(h + v); Mamba-1's x_proj, dt_proj and scan; out_proj Ed; MLP 3df. A layer with a window holds the M memory tokens and
 * the W tokens before the newest, whoever shares them.
 */
function hymba(config: HymbaConfig): Counts {
  const { hidden_size: d, num_hidden_layers: n, num_attention_heads: heads } = config;
  const { mamba_d_state: state, mamba_d_conv: k, mamba_dt_rank: rank } = config;
  const { num_memory_tokens: memory, sliding_window: window } = config;
  const [h, v] = [hymbaHeadDim(config), config.v_head_dim];
  const inner = config.mamba_expand * d;
  const layers = Array.from({ length: n }, (_, layer) => layer);
  const isGlobal = (layer: number): boolean => config.global_attn_idx.includes(layer);
  const sources = layers.filter((layer) => kvSourceOf(config, layer) === layer);
  const kv = config.num_key_value_heads * (h + v);
  const scanLinear = inner * (rank + 2 * state) + rank * inner;
  const linear =
    n * (d * (heads * h + 2 * inner) + scanLinear + inner * d + 3 * d * config.intermediate_size) +
    sources.length * d * kv;
  // Convolution, Δ bias, A, D; norms of Δ, B and C, of both branches, of mixer and MLP.
  const small = inner * (k + 3 + state) + rank + 2 * state + 2 * inner + 2 * d;
  const embedding = config.vocab_size * d;
  const stepFlops = n * (7 * inner * state + 5 * inner);
  return {
    parameters: linear + n * small + d + embedding + memory * d,
    lookedUp: 0,
    linearMacs: linear,
    headMacs: embedding,
    attention: layers.map((layer) => ({
      flopsPerPair: 2 * heads * (h + v),
      window: isGlobal(layer) ? undefined : memory + window + 1,
    })),
    convFlops: n * 2 * k * inner,
    scan: { stepFlops, chunkedFlops: () => stepFlops },
    kvElements: sources.filter(isGlobal).length * kv,
    boundedKv: {
      elements: sources.filter((layer) => !isGlobal(layer)).length * kv,
      tokens: memory + window,
    },
    prefixTokens: memory,
    ssmElements: n * inner * state,
    convElements: n * inner * k,
    stream: { layers: n, width: d, float32: false },
    activation: { float32: 0, elements: d + (heads * h + kv + 2 * inner) + 4 * inner },
  };
}

/**
 * State-space duality in chunks of Q, FLOPs a token and layer: C Bᵀ 2QNG, mask QH, times X 2QE, chunk states 2EN,
 * carry-in 2EN, between chunks 2EN/Q; token by token 5EN + 5E. `inner` is E, `directions` is GN.
 */
function stateSpaceDuality(
  each: Record<"layers" | "heads" | "inner" | "state" | "directions", number>,
): ScanCounts {
  const { layers, heads, inner, state, directions } = each;
  return {
    stepFlops: layers * (5 * inner * state + 5 * inner),
    chunkedFlops: (chunk) =>
      layers *
      (2 * chunk * directions +
        chunk * heads +
        2 * chunk * inner +
        4 * inner * state +
        (2 * inner * state) / chunk),
  };
}
