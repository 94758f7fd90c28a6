import type { DType } from "../../graph/index.js";
import { buildModel } from "../../models/index.js";
import type { TensorShape } from "../../profile/index.js";
import { graphOptions, tokensMultipleOf, type Phase } from "../graph-options.js";
import type { Cell } from "../plan.js";

/** The names of types in ONNX Runtime's profiles, where they are others than ours. */
const PROFILE_TYPES: Partial<Record<DType, string>> = { float32: "float" };

/** The weights that each node of a cell's graph reads, by the node's name. */
export function weightsOfNodes(cell: Cell, phase: Phase): (name: string) => readonly TensorShape[] {
  const multiple = tokensMultipleOf([cell.promptTokens, cell.segmentTokens ?? 0]);
  const { graph } = buildModel(
    cell.model,
    graphOptions(cell, phase, {
      logits: phase === "prefill" ? cell.logits : "last",
      positions: cell.promptTokens + cell.newTokens,
      tokensMultipleOf: phase === "prefill" ? multiple : 1,
    }),
  );
  const weights = new Map(graph.weights.map(({ value, shape }) => [value, shape]));
  const ofNode = new Map(
    graph.nodes.map(({ name, inputs }): [string, TensorShape[]] => [
      name,
      inputs.flatMap((value) => {
        const shape = value && weights.get(value);
        return shape ? [{ type: PROFILE_TYPES[value.dtype] ?? value.dtype, shape }] : [];
      }),
    ]),
  );
  return (name) => ofNode.get(name) ?? [];
}
