import { UserError } from "../errors.js";
import { isFused, type Graph } from "../graph/index.js";
import type { Model } from "../models/index.js";
import { findOperators, operatorsFor, type Device } from "../ort/index.js";
import type { Ep } from "./plan.js";

/** Whether the fused operators are built for a device. */
export type HasOperators = (ep: Ep, deviceId: number | null) => boolean;

export const areBuilt: HasOperators = (ep, deviceId) => operatorsFor(ep, deviceId ?? 0) !== null;

/**
 * Where the fused operators are the faster way. Mamba and Mamba-2 at 130m, float32, 256 tokens of prompt, two cores of a
 * server: TODO
 */
const FASTER: Record<Ep, readonly Model["arch"][] | "all"> = {
  cpu: [],
  cuda: "all",
};

export const isFusedFaster = ({ arch }: Model, ep: Ep): boolean =>
  FASTER[ep] === "all" || FASTER[ep].includes(arch);

export const notBuilt = (ep: Ep): string =>
  `the lowering is "fused", but its operators are not built for this ${ep === "cpu" ? "CPU" : "GPU"}; build them with \`ssm-scope ops build\`, or use another lowering`;

/** The libraries that a session of this graph must be given. */
export function operatorsOf(graph: Graph, device: Device): string[] {
  if (!isFused(graph)) return [];
  const library = findOperators(device);
  if (library === null) throw new UserError(notBuilt(device.ep));
  return [library];
}
