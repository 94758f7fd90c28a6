/** A sweep over a made-up engine: all of it but ONNX Runtime and processes. */
import type { Campaign } from "../../../src/run/campaign.js";
import { columnsOf } from "../../../src/run/columns-of.js";
import type { AnyCell } from "../../../src/run/plan.js";
import { drive, missingOf, type Drive } from "../../../src/run/sweep/drive.js";
import { Ledger } from "../../../src/run/sweep/ledger.js";
import { schedule, type Sharing } from "../../../src/run/sweep/schedule.js";
import { rowsOf } from "../../../src/run/work.js";
import type { Row } from "../../../src/record/index.js";

/** How a sample of a cell ends; the longer it takes, the likelier it is what is in flight at a time. */
export type Engine = (cell: AnyCell, repeat: number) => Promise<Row> | Row;

export interface FakeOptions {
  sharing?: Sharing;
  order?: "blocks" | "sequential";
  bisect?: boolean;
  line?: (text: string) => void;
}

/** Measures cells in a campaign, and returns all rows. Cells that share a process end with the first that goes wrong. */
export async function fakeSweep(
  cells: readonly AnyCell[],
  campaign: Campaign,
  engine: Engine,
  { sharing = "cell", order = "blocks", bisect = false, line = () => undefined }: FakeOptions = {},
): Promise<Row[]> {
  const ledger = new Ledger(campaign.earlier, cells);
  const todo = cells.map((cell) => missingOf(cell, ledger, 0)).filter((one) => rowsOf(one) > 0);
  const measure: Drive["measure"] = async (batch, { add, begin, common }) => {
    for (const [i, one] of batch.entries()) {
      if (!(await begin(one, process.pid))) continue;
      for (const repeat of one.repeats) {
        const row = { ...columnsOf(one, common), status: "ok", repeat, ...(await engine(one.cell, repeat)) };
        add(row);
        if (row.status !== "ok") return batch.slice(i + 1);
      }
    }
    return [];
  };
  await drive(schedule(todo, order, 1, sharing), {
    campaign,
    ledger,
    orderSeed: order === "blocks" ? 1 : null,
    bisect,
    facts: () => ({ columns: { host: "fake" }, memoryBytes: 1e9 }),
    rest: () => Promise.resolve(),
    line,
    measure,
  });
  return ledger.rows;
}
