import { InferenceSession, Tensor } from "onnxruntime-node";
import { encodeModel, type Graph } from "../../src/graph/index.js";

/** Runs a graph without weights in onnxruntime-node, the consumer that every graph must satisfy. */
export async function runGraph(
  graph: Graph,
  feeds: Record<string, Tensor> = {},
): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(encodeModel(graph), { logSeverityLevel: 3 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export const f32 = (shape: readonly number[], values: readonly number[]): Tensor =>
  new Tensor("float32", Float32Array.from(values), shape);
export const i64 = (shape: readonly number[], values: readonly number[]): Tensor =>
  new Tensor("int64", BigInt64Array.from(values, BigInt), shape);
