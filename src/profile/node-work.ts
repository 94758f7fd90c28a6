import { bytesOfTensors, type TensorShape } from "./tensor-types.js";

/** A node as it ran: its first call's tensors stand for all. */
export interface WorkingNode {
  readonly opType: string;
  readonly calls: number;
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
}

/** What the keys of an attention are, which its tensors do not say: its cache has room for more than it holds. */
export interface SeenTokens {
  readonly phase: "prefill" | "decode";
  readonly promptTokens: number;
}

/** What a node had to do at least, over all of its calls; null where that is not known. */
export interface NodeWork {
  readonly flops: number | null;
  readonly movedBytes: number | null;
}

/**
 * FLOPs and bytes of a node by the type of its operator and the shapes of its tensors. Products are 2·M·N·K; convolutions 2·k an
 * output; attention 4·H·h a pair of a query and a key that it may see (causal, as if without a window); scans, token by
 * token, 7 FLOPs an element of a Mamba state and 5 of one of state-space duality (decay, update, read-out), as `cost` counts them.
 * Other operators have no FLOPs here: they are bound by memory. Bytes are those of inputs and outputs once a call; of look-ups and
 * slices what they give, of a cache what is seen, of views none.
 */
export function nodeWork(node: WorkingNode, seen: SeenTokens): NodeWork {
  const flops = flopsOf(node, seen);
  const bytes = bytesOf(node, seen);
  return {
    flops: flops === null ? null : flops * node.calls,
    movedBytes: bytes === null ? null : bytes * node.calls,
  };
}

const PRODUCTS = ["MatMul", "FusedMatMul", "Gemm", "FusedGemm", "MatMulNBits", "MatMulInteger"];
const CONVOLUTIONS = ["Conv", "FusedConv", "CausalConv", "CausalConvWithState"];
const VIEWS = ["Reshape", "Unsqueeze", "Squeeze", "Flatten", "Identity", "Shape", "Size"];
const PICKING = ["Gather", "GatherElements", "GatherND", "GatherBlockQuantized", "Slice", "Split"];
/** FLOPs of a token for each element of the state. */
const SCANS: Readonly<Record<string, number>> = { SelectiveScan: 7, SsdScan: 5, LinearAttention: 5 };

function flopsOf({ opType, inputs, outputs }: WorkingNode, seen: SeenTokens): number | null {
  const [first, output] = [inputs[0]?.shape, outputs[0]?.shape];
  if (!first || !output) return null;
  if (PRODUCTS.includes(opType)) return 2 * elements(output) * innerOf(opType, first, output);
  if (CONVOLUTIONS.includes(opType)) {
    // [outputs, inputs of a group, width]; those of ours have one channel a group.
    const weight = inputs.slice(1).find(({ shape }) => shape.length >= 3)?.shape;
    return weight ? 2 * elements(output) * elements(weight.slice(1)) : null;
  }
  const flopsOfState = SCANS[opType];
  if (flopsOfState !== undefined) {
    const state = outputs[1]?.shape;
    return state ? flopsOfState * elements(state) * (output[1] ?? 0) : null;
  }
  return opType === "GroupQueryAttention" ? 4 * elements(output) * keysOf(outputs, seen) : null;
}

/** K of [.., M, K] × .. = [.., M, N]; of a transposed first matrix it is the other edge. */
function innerOf(opType: string, first: readonly number[], output: readonly number[]): number {
  const [rows, columns] = [first.at(-2) ?? 1, first.at(-1) ?? 1];
  if (opType === "MatMulNBits" || first.length < 2) return columns;
  return rows === output.at(-2) ? columns : rows;
}

/** How many keys a query sees on average: in a prompt half of them, and in decoding between the prompt and all there is room for. */
function keysOf(outputs: readonly TensorShape[], { phase, promptTokens }: SeenTokens): number {
  const room = outputs[1]?.shape[2] ?? promptTokens;
  return phase === "prefill" ? (promptTokens + 1) / 2 : (promptTokens + Math.max(room, promptTokens)) / 2;
}

function bytesOf({ opType, inputs, outputs }: WorkingNode, seen: SeenTokens): number | null {
  if (VIEWS.includes(opType)) return 0;
  const given = bytesOfTensors(outputs);
  if (given === null) return null;
  if (PICKING.includes(opType)) return 2 * given;
  if (opType === "GroupQueryAttention") return attentionBytes(inputs, outputs, seen);
  const taken = bytesOfTensors(inputs);
  return taken === null ? null : taken + given;
}

/** Queries, keys and values of the new tokens, the output, and of both caches what is seen and what is new. */
function attentionBytes(
  inputs: readonly TensorShape[],
  outputs: readonly TensorShape[],
  seen: SeenTokens,
): number | null {
  const [output, cache] = outputs;
  const room = cache?.shape[2];
  const tokens = output?.shape[1];
  if (!output || !cache || !room || !tokens) return null;
  const isCache = ({ shape }: TensorShape): boolean => shape.length === 4;
  const fresh = bytesOfTensors([...inputs.filter((tensor) => tensor.shape.length === 3), output]);
  const caches = bytesOfTensors(outputs.filter(isCache));
  // A prompt in segments reads what is before each: on average half of it, as its queries do.
  const read = Math.min(room, keysOf(outputs, seen) + tokens / 2);
  return fresh === null || caches === null ? null : fresh + (caches * (read + tokens)) / room;
}

const elements = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
