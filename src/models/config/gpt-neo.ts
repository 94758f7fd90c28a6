import type { GptNeoConfig } from "../gpt-neo.js";
import type { Keys } from "./keys.js";

type Kind = GptNeoConfig["attention_layers"][number];

/** Defaults: transformers 5.23, configuration_gpt_neo. */
export function readGptNeo(keys: Keys): GptNeoConfig {
  // Two names of one function.
  keys.only("activation_function", "gelu_new", ["gelu_new", "gelu_pytorch_tanh"]);
  keys.only("tie_word_embeddings", true, [true]);
  const hidden_size = keys.count("hidden_size", "channels");
  const num_layers = keys.layers("num_layers");
  const num_heads = keys.count("num_heads", "heads", 16);
  if (hidden_size % num_heads !== 0)
    throw keys.wrong("num_heads", `it must divide hidden_size, ${hidden_size}`);
  if ((hidden_size / num_heads) % 8 !== 0)
    throw keys.wrong(
      "num_heads",
      `it makes heads of ${hidden_size / num_heads} components, only multiples of 8 are supported`,
    );
  return {
    vocab_size: keys.count("vocab_size", "tokens"),
    hidden_size,
    num_layers,
    num_heads,
    intermediate_size:
      keys.value("intermediate_size") === undefined ? null : keys.count("intermediate_size", "channels"),
    max_position_embeddings: keys.count("max_position_embeddings", "positions", 2048),
    window_size: keys.count("window_size", "positions", 256),
    attention_layers: readAttention(keys, num_layers),
    layer_norm_epsilon: keys.positive("layer_norm_epsilon", 1e-5),
  };
}

/** `attention_types` is [[[kind, ...], how often], ...]; a file that has `attention_layers` alone lists them one by one. */
function readAttention(keys: Keys, layers: number): readonly Kind[] {
  const key = keys.value("attention_types") === undefined ? "attention_layers" : "attention_types";
  const value = keys.value(key) ?? [[["global", "local"], 12]];
  const kinds =
    key === "attention_layers" && Array.isArray(value) && keys.value(key) ? value : expand(value, layers);
  const isKind = (kind: unknown): kind is Kind => kind === "global" || kind === "local";
  if (kinds?.length === layers && kinds.every(isKind)) return kinds;
  throw keys.wrong(key, `it must make each of the ${layers} layers (num_layers) "global" or "local"`);
}

function expand(types: unknown, layers: number): unknown[] | null {
  if (!Array.isArray(types)) return null;
  const out: unknown[] = [];
  for (const one of types as unknown[]) {
    const [kinds, times] = Array.isArray(one) ? (one as unknown[]) : [];
    if (!Array.isArray(kinds) || !Number.isInteger(times)) return null;
    for (let i = 0; i < (times as number) && out.length <= layers; i++) out.push(...(kinds as unknown[]));
  }
  return out;
}
