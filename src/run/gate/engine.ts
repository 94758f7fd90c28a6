import { openRuntime } from "../../ort/index.js";
import { machineFacts } from "../../record/index.js";
import { Generator } from "../generator.js";
import { LoadedModel } from "../loaded-model.js";
import type { Cell, Ep } from "../plan.js";
import { openDevice } from "../process-memory.js";
import type { WeightSource } from "../weight-store.js";
import type { GateFacts } from "./key.js";
import type { Answers } from "./measure.js";

/** One set of weights on one device, and generators over it. */
export interface Engine extends Disposable {
  /** @param promptTokens lengths of the prompts that it will be given */
  open(cell: Cell, promptTokens: readonly number[]): Answers;
}

/** @param cell has the device, the dtype and the longest sequence of all that will be opened */
export type OpenEngine = (cell: Cell, source: WeightSource) => Engine;

export const openEngine: OpenEngine = (cell, source) => {
  const model = new LoadedModel(openRuntime(), [cell], source);
  return {
    open: (one, promptTokens) => new Generator(one, model, { keepLogits: true, promptTokens }),
    [Symbol.dispose]: () => {
      model[Symbol.dispose]();
    },
  };
};

/** The columns of a row of `run` that results may depend on. Throws UserError where there is no such device. */
export function gateFacts(ep: Ep, deviceId: number): GateFacts {
  const runtime = openRuntime();
  const { name, cuda } = openDevice(runtime, ep, deviceId).device;
  return {
    device: name ?? machineFacts().cpu_model ?? "cpu",
    ort_version: runtime.version,
    ...(cuda && { gpu_driver: cuda.driverVersion, cuda_version: cuda.runtimeVersion }),
  };
}
