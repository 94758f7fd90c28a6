import type { Cell } from "../plan.js";

/** What the gate passes or fails: everything that can change a model's numbers; lengths and repeats do not. */
export interface Setting extends Pick<
  Cell,
  "model" | "weights" | "ep" | "dtype" | "quant" | "lowering" | "decodeLowering" | "fusedProducts" | "cuda"
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

/** A setting in a few words: `mamba2-130m, cuda, int4, blocks of 32, ssd-matmul, decoding by linear-attention, CUDA graph`. */
export function describeSetting(setting: Named): string {
  const { model, ep, dtype, quant, lowering, decodeLowering, fusedProducts, cudaGraph } = setting;
  const blocks = quant && `blocks of ${quant.block}${quant.int8Compute ? " in int8" : ""}`;
  const decoding = decodeLowering === lowering ? null : `decoding by ${decodeLowering}`;
  const graph = cudaGraph === null ? null : cudaGraph ? "CUDA graph" : "no CUDA graph";
  // With fused scans they go without saying.
  const products = fusedProducts && decodeLowering !== "fused" ? "fused products" : null;
  return [model, ep, dtype, blocks, lowering, decoding, products, graph]
    .filter((word) => word !== null)
    .join(", ");
}
