/** What a sweep and a process of its cells say to each other. Sent as structured clones: a config may hold Infinity. */
import type { Row } from "../record/index.js";
import type { EnergySettings } from "./energy.js";
import type { WarmUpOptions } from "./measure.js";
import type { Todo } from "./work.js";

/** All that a process needs to measure cells of one model. It travels whole: it need not be in the registry. */
export interface Job {
  readonly todo: readonly Todo[];
  readonly common: Row;
  readonly warmUp: WarmUpOptions;
  readonly energy: EnergySettings | null;
}

export type ToCell =
  | { readonly type: "measure"; readonly job: Job }
  /** The answer to `begin`. */
  | { readonly type: "go"; readonly wanted: boolean }
  | { readonly type: "abort" };

export type FromCell =
  | { readonly type: "ready" }
  /** The cell of this index is next: it waits for `go`. */
  | { readonly type: "begin"; readonly index: number }
  | { readonly type: "row"; readonly row: Row }
  | { readonly type: "step"; readonly work: number; readonly note: string }
  | { readonly type: "line"; readonly text: string }
  | CellEnd;

/** The last message: all rows were sent, it stopped because it was told to, or the error that ended it. */
export type CellEnd =
  | { readonly type: "done" }
  | { readonly type: "stopped" }
  | { readonly type: "error"; readonly name: string; readonly message: string; readonly stack: string };
