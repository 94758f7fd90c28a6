import type { ColumnTable } from "arquero";
import { rowsToTable, type Row } from "../record/index.js";
import { classify, layerOf, type OpClass } from "./classes.js";
import type { NodeTotals } from "./read-profile.js";
import { showTensors } from "./tensor-types.js";

/** A node of the graph as it ran, over all profiled passes. */
export interface NodeRow {
  /** As in the graph after ONNX Runtime's optimizer, with its scopes; "" for a node without one. */
  readonly node: string;
  readonly op_type: string;
  readonly op_class: OpClass;
  /** What decided the class. */
  readonly why: string;
  /** null outside of layers. */
  readonly layer: number | null;
  /** Execution provider. */
  readonly provider: string;
  readonly calls: number;
  readonly time_us: number;
  /** Of the wall time of the passes. */
  readonly share_pct: number;
  /** Types and shapes of the first call. */
  readonly inputs: string;
  readonly outputs: string;
  /** Over all calls. */
  readonly input_bytes: number | null;
  readonly output_bytes: number | null;
  /** Most that was in use in the session's allocator as it ended. */
  readonly in_use_bytes: number | null;
}

/** A row a node, the one that takes the most time first. */
export const nodeRows = (nodes: readonly NodeTotals[], wallUs: number): NodeRow[] =>
  nodes
    .map((node): NodeRow => {
      const { opClass, why } = classify(node);
      return {
        node: node.name,
        op_type: node.opType,
        op_class: opClass,
        why,
        layer: layerOf(node.name),
        provider: node.provider,
        calls: node.calls,
        time_us: node.timeUs,
        share_pct: wallUs > 0 ? (100 * node.timeUs) / wallUs : 0,
        inputs: showTensors(node.inputs),
        outputs: showTensors(node.outputs),
        input_bytes: node.inputBytes,
        output_bytes: node.outputBytes,
        in_use_bytes: node.inUseBytes,
      };
    })
    .sort((a, b) => b.time_us - a.time_us);

/** Any rows as a table. */
export const plainTable = (rows: readonly object[]): ColumnTable => rowsToTable(rows as Row[]);
