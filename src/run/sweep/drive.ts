import type { Row } from "../../record/index.js";
import type { Campaign } from "../campaign.js";
import { columnsOf } from "../columns-of.js";
import type { AnyCell, Ep } from "../plan.js";
import type { Progress } from "../progress.js";
import { rowsOf, type Todo } from "../work.js";
import { findLimit, limitColumns } from "./find-limit.js";
import type { Ledger } from "./ledger.js";

/** What whoever measures cells of a sweep reports to. */
export interface Reports {
  readonly add: (row: Row) => void;
  /** Columns of every row: campaign, machine, software. */
  readonly common: Row;
  /** Awaited before a cell is begun by the process `pid`: false where it is not to be measured any more. */
  readonly begin: (todo: Todo, pid: number) => Promise<boolean>;
}

/** A sweep whose engine, machine and campaign are decided. */
export interface Drive {
  readonly campaign: Campaign;
  readonly ledger: Ledger;
  /** Seed of an order in blocks; null: the order has none. */
  readonly orderSeed: number | null;
  readonly bisect: boolean;
  /** Columns of every row of a processor, and its memory. */
  readonly facts: (ep: Ep) => { readonly columns: Row; readonly memoryBytes: number };
  /** Waits before a cell. */
  readonly rest: (ep: Ep, first: boolean) => Promise<void>;
  readonly line: Progress["line"];
  /** Measures cells that share a process; returns those that it did not come to. */
  readonly measure: (batch: readonly Todo[], reports: Reports) => Promise<readonly Todo[]>;
}

/** What of a cell is not measured yet. */
export const missingOf = (cell: AnyCell, ledger: Ledger, energyRepeats: number): Todo => ({
  cell,
  repeats: ledger.missing(cell, "latency", cell.repeats),
  energyRepeats: ledger.missing(cell, "energy", energyRepeats),
});

/** Measures the batches of a schedule, one after the other; what goes wrong with a cell is a row of it. */
export async function drive(batches: readonly (readonly Todo[])[], sweep: Drive): Promise<void> {
  const { campaign, ledger, orderSeed, bisect, facts, rest, line } = sweep;
  const commonOf = ({ ep }: AnyCell): Row => ({
    campaign: campaign.name,
    ...facts(ep).columns,
    order_seed: orderSeed,
  });
  const add = (row: Row): void => {
    campaign.add(row);
    ledger.add(row);
  };
  /** Whether a cell is still to be measured; one that cannot fit is said to be skipped. */
  const isWanted = (one: Todo): boolean => {
    const { cell } = one;
    if (ledger.ended(cell) || ledger.ranOut(cell)) return false;
    const shorter = ledger.impliedBy(cell);
    if (shorter === null || ledger.ran(cell)) return true;
    if (!ledger.of(cell).some(({ status, kind }) => status === "skipped" && kind === "latency"))
      add({
        ...columnsOf(one, commonOf(cell)),
        measured_at: new Date().toISOString(),
        status: "skipped",
        status_reason: `implied: ${shorter.promptTokens} tokens ran out of memory`,
      });
    return false;
  };
  let begun = 0;
  const measureAll = async (all: typeof batches): Promise<void> => {
    for (const batch of all) {
      let left: readonly Todo[] = batch.filter(isWanted);
      while (left.length > 0) {
        const common = commonOf(left[0]!.cell);
        const begin = async (one: Todo, pid: number): Promise<boolean> => {
          if (!isWanted(one)) return false;
          await rest(one.cell.ep, begun++ === 0);
          const row = { ...columnsOf(one, common), measured_at: new Date().toISOString() };
          campaign.begin({ row, rowsBefore: ledger.rows.length, rowsDue: rowsOf(one), pid });
          return true;
        };
        left = (await sweep.measure(left, { add, common, begin })).filter(isWanted);
        campaign.rest();
      }
    }
  };
  await measureAll(batches);
  if (!bisect) return;
  for (const setting of ledger.settings())
    await findLimit(setting, ledger, {
      measure: (cell) => measureAll([[missingOf(cell, ledger, 0)]]),
      report: (row, like) => {
        const memory_limit_bytes = like.memoryBytes ?? facts(like.ep).memoryBytes;
        add({ ...limitColumns(like, commonOf(like)), memory_limit_bytes, ...row });
      },
      line,
    });
}
