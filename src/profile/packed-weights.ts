import type { NodeTotals } from "./read-profile.js";
import { bytesOfTensors, type TensorShape } from "./tensor-types.js";

/**
 * Nodes with the weights that a profile does not tell of: ONNX Runtime gives a weight away once a kernel holds it in an order
 * of its own, and then leaves it out of the kernel's inputs, though it is read at every call.
 *
 * @param weights those that a node of this name reads, as the graph has them; empty for one that the graph does not have
 */
export const withPackedWeights = (
  nodes: readonly NodeTotals[],
  weights: (name: string) => readonly TensorShape[],
): NodeTotals[] =>
  nodes.map((node) => {
    const packed = missing(weights(node.name), node.inputs);
    const bytes = bytesOfTensors(packed);
    if (packed.length === 0) return node;
    const inputBytes =
      node.inputBytes === null || bytes === null ? null : node.inputBytes + node.calls * bytes;
    return { ...node, inputs: [...node.inputs, ...packed], inputBytes };
  });

/** Those of the wanted that are not among the told; each told one stands for one. */
function missing(wanted: readonly TensorShape[], told: readonly TensorShape[]): TensorShape[] {
  const rest = told.map(keyOf);
  return wanted.filter((tensor) => {
    const at = rest.indexOf(keyOf(tensor));
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

const keyOf = ({ type, shape }: TensorShape): string => `${type}|${shape.join()}`;
