import { UserError } from "../errors.js";
import { ops, type Value } from "../graph/index.js";
import { rotaryTables, wideValueAttention } from "./blocks/attention.js";
import { times } from "./blocks/multiplier.js";
import { scanOutputs, selectiveScan } from "./blocks/selective-scan.js";
import { rememberKeys, sinkAttention, sinkView, type SeenKeys, type SinkView } from "./blocks/sink-window.js";
import { Decoder, type BuildOptions, type ModelGraph, type Output } from "./decoder.js";
import { fanIn, nearOne, normal } from "./init.js";

/** config.json of Hymba, in its published key names. */
export interface HymbaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  /** Query heads, of hidden_size / num_attention_heads channels, as keys have. */
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  /** Channels of a value. All heads together are as wide as the SSM: mamba_expand · hidden_size. */
  readonly v_head_dim: number;
  readonly intermediate_size: number;
  readonly max_position_embeddings: number;
  /** Positions before the rotation was stretched (rope_type "ntk"). */
  readonly orig_max_position_embeddings: number;
  readonly rope_theta: number;
  readonly rms_norm_eps: number;
  readonly mamba_expand: number;
  readonly mamba_d_state: number;
  readonly mamba_d_conv: number;
  readonly mamba_dt_rank: number;
  /** Learned tokens in front of every sequence, which every layer sees always. */
  readonly num_memory_tokens: number;
  /** How far before its own position a query sees, outside `global_attn_idx`. */
  readonly sliding_window: number;
  readonly global_attn_idx: readonly number[];
  /** Layers that have their keys and values in common: those of the first of each group. */
  readonly kv_reuse_group: readonly (readonly number[])[];
}

/**
 * Hymba (Dong et al., arXiv 2411.13676): every layer's attention and Mamba-1 scan read one projection of the same normed
 * states and are averaged, each normed; then a gated SiLU MLP; tied head. It has no class in transformers. Source: the
 * published modeling_hymba.py and config.json of nvidia/Hymba-1.5B-Base, its flex path, which config.json names: a query at
 * p sees key j where j ≤ p and p − j ≤ sliding_window or j is a memory token. (The published decoding keeps one key
 * fewer than that; here it is the same rule throughout.)
 *
 * Ids from vocab_size on are the memory tokens: whoever runs the graph puts all of them before a prompt, in its first run.
 */
export function buildHymba(config: HymbaConfig, options: BuildOptions): ModelGraph {
  const { hidden_size: width, rms_norm_eps: eps, num_hidden_layers: layers } = config;
  checkGroups(config);
  const model = new Decoder("hymba", options);
  const { graph } = model;
  const norm = (name: string): Value => model.parameter(`model.${name}.weight`, [width], nearOne);

  const embedding = model.parameter("model.embed_tokens.weight", [config.vocab_size, width], normal(0.02));
  const rotary = rotaryTables(model, stretchedTheta(config), headDimOf(config));
  const window = sinkView(model, { sinks: config.num_memory_tokens, reach: config.sliding_window });
  const shared = { rotary, window, seen: new Map<number, SeenKeys>() };

  let stream = graph.scope("embed", () => embed(model, config, embedding));
  const first = norm("layers.0.input_layernorm");
  let normed = graph.scope("layers.0", () => ops.rmsNorm(stream, first, eps));
  for (let layer = 0; layer < layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const at = `layers.${layer}`;
      const mixed = graph.scope("mixer", () => mixer(model, config, layer, normed, shared));
      const middle = ops.skipRmsNorm(stream, mixed, norm(`${at}.pre_moe_layernorm`), eps);
      const expanded = graph.scope("mlp", () => mlp(model, config, layer, middle.normed));
      const next = norm(layer + 1 === layers ? "final_layernorm" : `layers.${layer + 1}.input_layernorm`);
      const end = ops.skipRmsNorm(middle.sum, expanded, next, eps);
      stream = end.sum;
      normed = end.normed;
    });
  return model.finish(options.logits === "all" ? withoutMemory(model, config, normed) : normed, embedding);
}

/** What layers have in common. */
interface Shared {
  readonly rotary: { cos: Value; sin: Value };
  readonly window: SinkView;
  /** By the layer they were computed in. */
  readonly seen: Map<number, SeenKeys>;
}

/** Channels of a query or a key. */
export const headDimOf = (config: Pick<HymbaConfig, "hidden_size" | "num_attention_heads">): number =>
  config.hidden_size / config.num_attention_heads;

/** The layer whose keys and values a layer attends to. */
export const kvSourceOf = (
  { kv_reuse_group: groups }: Pick<HymbaConfig, "kv_reuse_group">,
  layer: number,
): number => groups.find((group) => group.includes(layer))?.[0] ?? layer;

function checkGroups({ kv_reuse_group: groups, global_attn_idx: global }: HymbaConfig): void {
  const odd = groups.find((group) => group.some((layer) => global.includes(layer) || layer < group[0]!));
  if (!odd) return;
  throw new UserError(
    `kv_reuse_group has [${odd.join(", ")}]; keys and values can be shared by layers with a window only, from the first of them on`,
  );
}

/** θ for the positions that were added ("ntk", whatever the length); the published code fixes its factor to 2. */
function stretchedTheta(config: HymbaConfig): number {
  const dim = headDimOf(config);
  const stretch = (2 * config.max_position_embeddings) / config.orig_max_position_embeddings - 1;
  return config.rope_theta * stretch ** (dim / (dim - 2));
}

/** Rows of the embedding, and of the memory tokens for ids from the vocabulary's size on; a step has none of those. */
function embed(model: Decoder, { vocab_size: vocabulary, ...config }: HymbaConfig, embedding: Value): Value {
  const { graph, inputIds: ids } = model;
  if (model.options.oneToken) return ops.gather(embedding, ids);
  const shape = [config.num_memory_tokens, config.hidden_size];
  const memory = model.parameter("model.memory_tokens", shape, normal(0.02));
  const int = (value: number): Value => graph.constant("int64", [1], [value]);
  const known = ops.min(ids, int(vocabulary - 1));
  const beyond = ops.sub(ids, ops.min(ids, int(vocabulary)));
  const isKnown = ops.unsqueeze(ops.equal(ids, known), -1);
  return ops.where(isKnown, ops.gather(embedding, known), ops.gather(memory, beyond));
}

/** Hidden states of a prompt's own tokens: the first run has the memory tokens' in front. */
function withoutMemory(model: Decoder, { num_memory_tokens: memory }: HymbaConfig, hidden: Value): Value {
  const all = model.graph.constant("int64", [1], [memory]);
  const total = ops.cast(ops.reshape(model.position.total, [1]), "int64");
  const past = ops.sub(total, ops.dimension(hidden, 1));
  return ops.slice(hidden, 1, ops.sub(all, ops.min(past, all)), Number.MAX_SAFE_INTEGER, "own_tokens");
}

/** out((norm(attention) + norm(scan)) / 2), the half folded into the weight. */
function mixer(model: Decoder, config: HymbaConfig, layer: number, u: Value, shared: Shared): Value {
  const {
    hidden_size: width,
    rms_norm_eps: eps,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
  } = config;
  const headDim = headDimOf(config);
  const inner = config.mamba_expand * width;
  const prefix = `model.layers.${layer}.mamba`;
  const ownKeys = kvSourceOf(config, layer) === layer;
  const ofScan = scanOutputs(model, inner);
  const outputs: Output[] = [
    { rows: heads * headDim },
    ...(ownKeys ? [{ rows: kvHeads * headDim }, { rows: kvHeads * config.v_head_dim }] : []),
    ...ofScan,
  ];
  const rows = outputs.reduce((sum, output) => sum + output.rows, 0);
  const projection = { name: `${prefix}.in_proj.weight`, shape: [rows, width], init: fanIn(width) };
  const parts = model.products(u, projection.name, [projection], outputs);
  const norm = (x: Value, name: string): Value =>
    ops.rmsNorm(x, model.parameter(`${prefix}.${name}.weight`, [inner], nearOne), eps);

  const heard = model.graph.scope("attention", () => attend(model, config, layer, parts, shared));
  const scanned = selectiveScan(model, layer, parts.slice(-ofScan.length), {
    inner,
    state: config.mamba_d_state,
    rank: config.mamba_dt_rank,
    convWidth: config.mamba_d_conv,
    prefix,
    suffix: ".0",
    normEps: eps,
  });
  const both = ops.add(norm(heard, "pre_avg_layernorm1"), norm(scanned, "pre_avg_layernorm2"));
  return model.linear(
    both,
    model.matrix(`${prefix}.out_proj.weight`, [width, inner], fanIn(inner), times(0.5)),
  );
}

/** @param parts queries, and in a layer that has its own keys and values these, [batch, tokens, heads · dim] each */
function attend(
  model: Decoder,
  config: HymbaConfig,
  layer: number,
  parts: readonly Value[],
  shared: Shared,
): Value {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { rotary, window, seen } = shared;
  const headDim = headDimOf(config);
  const shape = { heads, kvHeads, headDim, valueDim: config.v_head_dim, scale: headDim ** -0.5 };
  const [query, key, value] = parts as [Value, Value, Value];
  if (config.global_attn_idx.includes(layer))
    return wideValueAttention(model, layer, { query, key, value }, shape, rotary);
  const source = kvSourceOf(config, layer);
  const turned = (x: Value): Value => ops.rotaryEmbedding(x, window.start, rotary);
  if (source === layer)
    seen.set(layer, rememberKeys(model, window, layer, { key: turned(key), value }, kvHeads));
  return sinkAttention(window, turned(query), seen.get(source)!, shape);
}

function mlp(model: Decoder, config: HymbaConfig, layer: number, u: Value): Value {
  const { hidden_size: width, intermediate_size: inner } = config;
  const at = `model.layers.${layer}.moe.experts.0`;
  const part = (name: string) => ({
    name: `${at}.${name}.weight`,
    shape: [inner, width],
    init: fanIn(width),
  });
  const parts = [part("gate_proj"), part("up_proj")];
  const [gate, up] = model.products(u, `${at}.gate_up_proj.weight`, parts) as [Value, Value];
  const down = model.matrix(`${at}.down_proj.weight`, [width, inner], fanIn(inner));
  return model.linear(ops.mul(ops.silu(gate), up), down);
}
