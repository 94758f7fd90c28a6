import type { Cell } from "../plan.js";

/** What the gate passes or fails: everything that can change a model's numbers; lengths and repeats do not. */
export interface Setting extends Pick<
  Cell,
  "model" | "ep" | "dtype" | "lowering" | "decodeLowering" | "cuda"
> {
  /** Whether decode steps are replayed as a CUDA graph, once that is known; null on a CPU. */
  readonly cudaGraph: boolean | null;
}

/** The setting a cell ran with. */
export const settingOf = (cell: Cell, cudaGraph: boolean | null): Setting => ({ ...cell, cudaGraph });

/** Whether the gate compares with this setting instead of judging it. */
export const isReference = ({ ep, dtype }: Setting): boolean => ep === "cpu" && dtype === "fp32";

/** A setting in a few words: `mamba2-130m, fp16, ssd-matmul, CUDA graph`. */
export function describeSetting({ model, ep, dtype, lowering, decodeLowering, cudaGraph }: Setting): string {
  const both =
    lowering === decodeLowering ? lowering : `${lowering ?? "none"}, decoding by ${decodeLowering ?? "none"}`;
  const graph = cudaGraph === null ? null : cudaGraph ? "CUDA graph" : "no CUDA graph";
  return [model.name, ep, dtype, both, graph].filter((word) => word !== null).join(", ");
}
