import { Graph, ops, type DType, type FloatType } from "../graph/index.js";
import { greedy, lastToken } from "./decoder.js";

/**
 * The choice of the next token alone, for models that end with their logits: `logits` [batch, positions, vocabulary] to
 * `next_token` [batch, 1], the largest of the last position.
 */
export function greedyGraph(logits: FloatType, vocabulary: number, token: DType): Graph {
  const graph = new Graph("greedy");
  const values = graph.input("logits", logits, ["batch", "positions", vocabulary]);
  const next = greedy(lastToken(values));
  graph.output("next_token", token === "int64" ? next : ops.cast(next, token));
  return graph;
}
