/** What a sweep and the process of one cell say to each other. Sent as structured clones: a config may hold Infinity. */
import type { Row } from "../record/index.js";
import type { EnergySettings } from "./energy.js";
import type { WarmUpOptions } from "./measure.js";
import type { Todo } from "./work.js";

/** All that a process needs to measure one cell. The model travels whole: it need not be in the registry. */
export interface Job extends Todo {
  readonly common: Row;
  readonly warmUp: WarmUpOptions;
  readonly energy: EnergySettings | null;
}

export type ToCell = { readonly type: "measure"; readonly job: Job } | { readonly type: "abort" };

export type FromCell =
  | { readonly type: "ready" }
  | { readonly type: "row"; readonly row: Row }
  | { readonly type: "step"; readonly work: number; readonly note: string }
  | { readonly type: "line"; readonly text: string }
  | CellEnd;

/** The last message: all rows were sent, it stopped because it was told to, or the error that ended it. */
export type CellEnd =
  | { readonly type: "done" }
  | { readonly type: "stopped" }
  | { readonly type: "error"; readonly name: string; readonly message: string; readonly stack: string };
