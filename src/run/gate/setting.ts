import type { Cell } from "../plan.js";

/** What the gate passes or fails: everything that can change a model's numbers; lengths and repeats do not. */
export interface Setting extends Pick<
  Cell,
  "model" | "weights" | "ep" | "dtype" | "lowering" | "decodeLowering" | "cuda"
> {
  /** Whether decode steps are replayed as a CUDA graph, once that is known; null on a CPU. */
  readonly cudaGraph: boolean | null;
}

/** The setting a cell ran with. */
export const settingOf = (cell: Cell, cudaGraph: boolean | null): Setting => ({ ...cell, cudaGraph });

/** Whether the gate compares with this setting instead of judging it. */
export const isReference = ({ ep, dtype, lowering, decodeLowering }: Setting): boolean =>
  ep === "cpu" &&
  dtype === "fp32" &&
  [lowering, decodeLowering].every((used) => used === null || used === "linear-attention");

/** What a setting is named by. */
type Named = Omit<Setting, "model" | "weights" | "cuda"> & { readonly model: string };

/** A setting in a few words: `mamba2-130m, cuda, fp16, ssd-matmul, decoding by linear-attention, CUDA graph`. */
export function describeSetting({ model, ep, dtype, lowering, decodeLowering, cudaGraph }: Named): string {
  const decoding = decodeLowering === lowering ? null : `decoding by ${decodeLowering}`;
  const graph = cudaGraph === null ? null : cudaGraph ? "CUDA graph" : "no CUDA graph";
  return [model, ep, dtype, lowering, decoding, graph].filter((word) => word !== null).join(", ");
}
