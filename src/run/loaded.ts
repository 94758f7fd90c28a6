import type { Device } from "../ort/index.js";
import type { Row } from "../record/index.js";
import type { Gate } from "./gate/record.js";
import type { Generates } from "./measure.js";
import type { AnyCell } from "./plan.js";
import type { ProcessMemory } from "./process-memory.js";

/** A model on its device, as measuring sees it: one of the registry (LoadedModel) or an exported one (LoadedOnnx). */
export interface Loaded extends Disposable {
  readonly device: Device;
  readonly memory: ProcessMemory;
  readonly weights: {
    readonly parameterBytes: number;
    readonly tableBytes: number;
    /** null where it was not measured. */
    readonly uploadBytesPerS: number | null;
  };
  /** Makes the model ready for one of the cells that it was loaded for. */
  open(cell: AnyCell): Measured;
  /** What the numerical gate says of the cell; null where there is nothing to compare with. */
  gate(cell: AnyCell, cudaGraph: boolean | null, facts: Row): Gate | null;
}

/** A model ready to generate, and where its memory went. */
export interface Measured extends Generates, Disposable {
  /**
   * Goes back to the end of the prompt, so that steps can be repeated for as long as their energy takes to be measured. What
   * the states hold by then is of no account: a step's work does not depend on it.
   */
  rewind(): void;
  /** Throws an out-of-memory error when the process takes more than the cell's budget. */
  assertWithinBudget(what: string): void;
  /** Whether decode steps are replayed as a CUDA graph. */
  readonly cudaGraph: boolean;
  /** What the process held beside weights, states and allocators when the sessions were ready. */
  readonly contextBytes: number;
  readonly kvCacheBytes: number;
  readonly ssmStateBytes: number;
  readonly convStateBytes: number;
  /** Caches and states as held: those that take turns twice. */
  readonly heldStateBytes: number;
  readonly peakActivationBytes: number;
  /** Bytes the sessions' allocators hold, used or not. */
  readonly reservedBytes: number;
}
