import { encodeModel } from "../../src/graph/index.js";
import { buildModel, withPrefix } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { LoadedModel, type Cell, type WeightSource } from "../../src/run/index.js";
import { Carried } from "../../src/run/carried.js";
import { operatorsOf } from "../../src/run/operators.js";

/** Logits at every position of one prompt in one piece, [tokens, vocabulary]. */
export async function everyLogits(
  cell: Cell,
  source: WeightSource,
  ids: BigInt64Array,
): Promise<Float32Array> {
  const runtime = openRuntime();
  using loaded = new LoadedModel(runtime, [cell], source);
  const { graph, weights, caches, positional } = buildModel(cell.model, {
    dtype: "float32",
    lowering: cell.lowering ?? "linear-attention",
    logits: "all",
    positions: loaded.positions,
    tokensMultipleOf: 1,
    separateProducts: false,
  });
  const rows = withPrefix(cell.model, ids, 1);
  const { length } = rows;
  using session = runtime.createSession(encodeModel(graph), {
    device: loaded.device,
    initializers: loaded.weights.tensors(weights),
    customOps: operatorsOf(graph, loaded.device),
    threads: 1,
  });
  using carried = Carried.allocate(loaded.device, caches, 1, length, undefined);
  using input = runtime.tensor("int64", [1, length], rows);
  using last = runtime.tensor("int32", [1], Int32Array.of(length - 1));
  using total = runtime.tensor("int32", [], Int32Array.of(length));
  using binding = session.bind().input("input_ids", input).outputToHost("logits");
  if (positional) binding.input("last_position", last).input("total_tokens", total);
  await session.run(carried.bind(binding, 0, positional));
  using logits = binding.outputs().get("logits")!;
  return logits.data<Float32Array>().slice();
}
