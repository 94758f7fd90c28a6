import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { asTable, type Rows } from "../record/index.js";
import type { NodeRow } from "./node-table.js";
import { plainTable } from "./node-table.js";
import { nodeWork } from "./node-work.js";
import { parseTensors } from "./tensor-types.js";

/** How nodes are summed and what they are held against. */
export interface NodeEfficiencyOptions {
  /** A row for each node, each type of operator of a class, or each class (default). */
  by?: "node" | "op_type" | "op_class";
  /** What the device can do at most: of the `ceilings` command, or the maker's. */
  ceilings?: { readonly flopsPerS: number; readonly bytesPerS: number };
}

/** A node of `profile`, with what it is a node of. */
type ProfiledNode = NodeRow & {
  readonly model?: string | null;
  readonly lowering?: string | null;
  readonly device?: string | null;
  readonly prompt_tokens?: number | null;
  readonly phase?: string | null;
};

/** What tells the rows of one profile from another's. */
const PROFILE_COLUMNS = ["model", "lowering", "device", "prompt_tokens", "phase"] as const;

interface Sum {
  readonly first: ProfiledNode;
  calls: number;
  timeUs: number;
  flops: number | null;
  bytes: number | null;
}

/**
 * How well nodes use the device: what `nodeWork` says they had to do at least, over the time they took in the profiled passes. A row
 * for each profile and class, type or node, the most time first:
 *
 * - `calls`, `time_ms` over all passes, `flops` and `moved_bytes` (null where unknown);
 * - `flops_per_s`, `bytes_per_s` and `flops_per_byte`, as `efficiency` and `rooflineFigure` have them;
 * - with ceilings `mfu` and `mbu`, the rates as shares of them; `roofline_share`, the least time that they allow over the time;
 *   `bound`, which of the two it is; `note` says where a share is above 1: the data were in a cache, or the ceilings are another's.
 *
 * Short nodes look worse than they are: on a GPU a profiled launch waits for its kernel, which costs each some microseconds.
 *
 * @param nodes the table `nodes` of `profile`
 * @throws UserError for what is no such table, and for ceilings that are none
 */
export function nodeEfficiency(
  nodes: Rows,
  { by = "op_class", ceilings }: NodeEfficiencyOptions = {},
): ColumnTable {
  for (const name of ["flopsPerS", "bytesPerS"] as const) {
    const value = ceilings?.[name] ?? 1;
    if (!(value > 0 && value < Infinity))
      throw new UserError(`${name} is ${value}: a ceiling must be a positive number`);
  }
  const table = asTable(nodes);
  const missing = [
    "op_type",
    "op_class",
    "calls",
    "time_us",
    "inputs",
    "outputs",
    "prompt_tokens",
    "phase",
  ].filter((name) => table.column(name) === undefined);
  if (missing.length > 0)
    throw new UserError(
      `the nodes have no column ${missing.join(", ")}: it takes the table \`nodes\` of a profile`,
    );
  const sums = new Map<string, Sum>();
  for (const node of table.objects() as ProfiledNode[]) add(sums, node, by);
  const rows = [...sums.values()]
    .sort((a, b) => b.timeUs - a.timeUs)
    .map((sum) => ({
      ...Object.fromEntries(PROFILE_COLUMNS.map((name) => [name, sum.first[name] ?? null])),
      op_class: sum.first.op_class,
      ...(by !== "op_class" && { op_type: sum.first.op_type }),
      ...(by === "node" && { node: sum.first.node }),
      ...rates(sum),
      ...(ceilings && shares(sum, ceilings)),
    }));
  return plainTable(rows);
}

function add(sums: Map<string, Sum>, node: ProfiledNode, by: "node" | "op_type" | "op_class"): void {
  const names = by === "op_class" ? [] : by === "op_type" ? [node.op_type] : [node.node, node.op_type];
  const key = JSON.stringify([...PROFILE_COLUMNS.map((name) => node[name] ?? null), node.op_class, ...names]);
  const sum = sums.get(key) ?? { first: node, calls: 0, timeUs: 0, flops: null, bytes: null };
  sums.set(key, sum);
  const work = nodeWork(
    {
      opType: node.op_type,
      calls: node.calls,
      inputs: parseTensors(node.inputs),
      outputs: parseTensors(node.outputs),
    },
    { phase: node.phase === "decode" ? "decode" : "prefill", promptTokens: node.prompt_tokens ?? 0 },
  );
  sum.calls += node.calls;
  sum.timeUs += node.time_us;
  if (work.flops !== null) sum.flops = (sum.flops ?? 0) + work.flops;
  if (work.movedBytes !== null) sum.bytes = (sum.bytes ?? 0) + work.movedBytes;
}

function rates({ calls, timeUs, flops, bytes }: Sum) {
  const perS = (amount: number | null): number | null =>
    amount === null || timeUs === 0 ? null : amount / (timeUs / 1e6);
  return {
    calls,
    time_ms: timeUs / 1000,
    flops,
    moved_bytes: bytes,
    flops_per_s: perS(flops),
    bytes_per_s: perS(bytes),
    flops_per_byte: flops === null || !bytes ? null : flops / bytes,
  };
}

function shares(sum: Sum, { flopsPerS, bytesPerS }: NonNullable<NodeEfficiencyOptions["ceilings"]>) {
  const rate = rates(sum);
  const mfu = rate.flops_per_s === null ? null : rate.flops_per_s / flopsPerS;
  const mbu = rate.bytes_per_s === null ? null : rate.bytes_per_s / bytesPerS;
  const above = Object.entries({ mfu, mbu }).filter(([, share]) => share !== null && share > 1);
  return {
    mfu,
    mbu,
    roofline_share: mfu === null && mbu === null ? null : Math.max(mfu ?? 0, mbu ?? 0),
    bound: mfu === null && mbu === null ? null : (mfu ?? 0) >= (mbu ?? 0) ? "compute" : "memory",
    note:
      above.length === 0
        ? null
        : `${above.map(([name, share]) => `${name} is ${share!.toFixed(2)}`).join(" and ")}: above what the ceilings allow`,
  };
}
