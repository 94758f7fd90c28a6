import type { ColumnTable } from "arquero";
import { join } from "node:path";
import type { Row } from "../../record/index.js";
import { deviceFacts } from "../device-facts.js";
import type { Cell, Ep } from "../plan.js";
import { energyOf, energyRepeatsOf } from "../energy.js";
import { runCells, type SweepOptions } from "../run.js";
import { rowsOf } from "../work.js";
import { missingOf } from "./drive.js";
import { precisionOf } from "./enough.js";
import { Ledger } from "./ledger.js";
import { expandPlan, type ExpandedPlan, type Given } from "./plan-file.js";
import { predict, type Prediction } from "./predict.js";
import { shardFolder, shardOf, type Shard } from "./shard.js";

/** How a plan is carried out; what is given here counts more than what the plan says. */
export interface PlanOptions extends SweepOptions {
  /** Values of the plan's keys, as flags give them. */
  flags?: Given;
  /** Only this part of the cells; its rows go to a campaign of its own below `out`. */
  shard?: Shard;
  /** Rows of other campaigns, also of other machines: cells that they hold whole are left out. */
  except?: readonly Row[];
}

/**
 * Measures the cells of a plan (see `expandPlan`) as `run` measures its settings, in shuffled blocks and a process a cell
 * unless the plan says otherwise. Returns one row a sample, those of an earlier, resumed campaign included.
 */
export async function sweep(plan: unknown, options: PlanOptions = {}): Promise<ColumnTable> {
  const { cells, options: chosen } = planSweep(plan, options);
  return await runCells(cells, chosen);
}

/** The cells of a plan, or of a shard of it, and how they are to be measured. */
export function planSweep(
  plan: unknown,
  { flags, shard, except = [], ...options }: PlanOptions = {},
): ExpandedPlan {
  const { cells: all, options: planned } = expandPlan(plan, flags);
  const chosen = { order: "blocks", isolate: "cell", ...planned, ...options } as const;
  if (!shard) return { cells: notWholeIn(except, all, chosen), options: chosen };
  const mine = shardOf(all, shard, chosen.bisect ?? false);
  return {
    cells: notWholeIn(except, mine, chosen),
    options: { ...chosen, ...(chosen.out !== undefined && { out: join(chosen.out, shardFolder(shard)) }) },
  };
}

/** The cells of which these rows lack samples, or energies where they are wanted. */
function notWholeIn(rows: readonly Row[], cells: readonly Cell[], options: SweepOptions): readonly Cell[] {
  const ledger = new Ledger(rows, cells);
  const energyRepeats = energyRepeatsOf(energyOf(options.energy));
  const precision = precisionOf(options);
  return cells.filter((cell) => rowsOf(missingOf(cell, ledger, energyRepeats, precision)) > 0);
}

/** What each cell will likely take, by earlier rows and by its model's shapes; nothing is measured. */
export function predictSweep({ cells, options }: ExpandedPlan, earlier: readonly Row[]): Prediction[] {
  const memory = new Map<Ep, number | null>();
  for (const { ep } of cells) if (!memory.has(ep)) memory.set(ep, memoryOf(cells, ep));
  return cells.map((cell) =>
    predict(cell, earlier, {
      limitBytes: cell.memoryBytes ?? memory.get(cell.ep)!,
      blocks: options.order === "blocks" ? cell.repeats : 1,
    }),
  );
}

/** null where the GPU is not here: a plan is often looked at elsewhere. */
function memoryOf(cells: readonly Cell[], ep: Ep): number | null {
  try {
    return deviceFacts(cells, ep).memoryBytes;
  } catch (error) {
    if (error instanceof Error && error.name === "UserError") return null;
    throw error;
  }
}
