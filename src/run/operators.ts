import { UserError } from "../errors.js";
import { isFused, type Graph } from "../graph/index.js";
import type { Model } from "../models/index.js";
import { findOperators, operatorsFor, type Device } from "../ort/index.js";
import type { Ep } from "./plan.js";

/** Whether the fused operators are built for a device. */
export type HasOperators = (ep: Ep, deviceId: number | null) => boolean;

export const areBuilt: HasOperators = (ep, deviceId) => operatorsFor(ep, deviceId ?? 0) !== null;

/**
 * Whether a model takes the fused operators by default, if they are built: they are the faster way for every scan. Least times in ms on a CPU
 * (one core of an EPYC with AVX-512, float32, 256 tokens of prompt) and medians on a GPU (H200, float16, 8192 tokens); then
 * decoding, on the GPU with fused products:
 *
 * | model | fused | stock |
 * | --- | --- | --- |
 * | mamba-130m, CPU | 659, 28.1 a token | linear-attention 1751, 32.6 a token |
 * | mamba2-130m, CPU | 650, 27.8 a token | ssd-matmul 727, linear-attention 28.7 a token |
 * | falcon-h1-0.5b, GPU | 36.4, 2.24 a token | ssd-matmul 63.7, linear-attention 3.65 a token |
 * | zamba2-1.2b, GPU | 76.5 | ssd-matmul 139, linear-attention 3.55 a token |
 * | hymba-1.5b, GPU | 142 | linear-attention 708, 5.57 a token |
 */
export const isFusedByDefault = ({ family }: Pick<Model, "family">): boolean => family !== "transformer";

export const notBuilt = (ep: Ep): string =>
  `fused operators are asked for, but not built for this ${ep === "cpu" ? "CPU" : "GPU"}; build them with \`ssm-scope ops build\`, or use others (--lowering, --fused-products)`;

/** The libraries that a session of this graph must be given. */
export function operatorsOf(graph: Graph, device: Device): string[] {
  if (!isFused(graph)) return [];
  const library = findOperators(device);
  if (library === null) throw new UserError(notBuilt(device.ep));
  return [library];
}
