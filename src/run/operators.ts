import { UserError } from "../errors.js";
import { isFused, type Graph } from "../graph/index.js";
import type { Family, Model } from "../models/index.js";
import { findOperators, operatorsFor, type Device } from "../ort/index.js";
import type { Ep } from "./plan.js";

/** Whether the fused operators are built for a device. */
export type HasOperators = (ep: Ep, deviceId: number | null) => boolean;

export const areBuilt: HasOperators = (ep, deviceId) => operatorsFor(ep, deviceId ?? 0) !== null;

/**
 * Where the fused operators, if they are built, are taken by default: where they are the faster way. On a CPU (one core of an
 * EPYC with AVX-512, float32; 256 tokens of prompt, then decoding), least times in ms beside the stock default:
 *
 * | model | fused | stock |
 * | --- | --- | --- |
 * | mamba-130m | 659, 28.1 a token | linear-attention 1751, 32.6 a token |
 * | mamba2-130m | 650, 27.8 a token | ssd-matmul 727, linear-attention 28.7 a token |
 */
const FUSED_BY_DEFAULT: Record<Ep, readonly Family[]> = {
  cpu: ["ssm", "hybrid"],
  // Of hybrids only Falcon-H1 has been through the gate with them at real size on a GPU; the others take stock operators
  // unless told otherwise.
  cuda: ["ssm"],
};

export const isFusedByDefault = ({ family }: Pick<Model, "family">, ep: Ep): boolean =>
  FUSED_BY_DEFAULT[ep].includes(family);

export const notBuilt = (ep: Ep): string =>
  `the lowering is "fused", but its operators are not built for this ${ep === "cpu" ? "CPU" : "GPU"}; build them with \`ssm-scope ops build\`, or use another lowering`;

/** The libraries that a session of this graph must be given. */
export function operatorsOf(graph: Graph, device: Device): string[] {
  if (!isFused(graph)) return [];
  const library = findOperators(device);
  if (library === null) throw new UserError(notBuilt(device.ep));
  return [library];
}
