import { UserError } from "../errors.js";
import { openRuntime } from "../ort/index.js";
import { machineFacts, type Row } from "../record/index.js";
import type { AnyCell, Ep } from "./plan.js";

/** The machine, and what runs on it. */
export const softwareFacts = () => ({ ...machineFacts(), ort_version: openRuntime().version });

/** What is known of a processor before anything is measured on it. */
export interface DeviceFacts {
  /** Columns of the rows of its cells. */
  readonly columns: Row;
  readonly memoryBytes: number;
}

/** Of the cells' processor, or a UserError that says why there is none: asked for before any file is written. */
export function deviceFacts(cells: readonly AnyCell[], ep: Ep): DeviceFacts {
  const here = softwareFacts();
  if (ep !== "cuda") return { columns: here, memoryBytes: here.memory_bytes! };
  const [deviceId, second] = new Set(cells.map((cell) => cell.deviceId).filter((id) => id !== null));
  if (second !== undefined)
    throw new UserError(
      `the cells are of the GPUs ${deviceId} and ${second}; measure each in a campaign of its own`,
    );
  const { name, driverVersion, totalBytes } = openRuntime().inspectCuda(deviceId!);
  return { columns: { ...here, device: name, gpu_driver: driverVersion }, memoryBytes: totalBytes };
}
