import type { Row } from "../../record/index.js";
import type { Campaign } from "../campaign.js";
import { columnsOf } from "../columns-of.js";
import type { AnyCell, Ep } from "../plan.js";
import type { Progress } from "../progress.js";
import { rowsOf, type Todo } from "../work.js";
import { isEnough, mostRepeats, type Precision } from "./enough.js";
import { findLimit, limitColumns } from "./find-limit.js";
import type { Ledger } from "./ledger.js";
import { inDoubt, type Remeasure } from "./remeasure.js";

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
  /** Null or absent: as many samples as each cell has repeats. */
  readonly precision?: Precision | null;
  /** Null or absent: samples in doubt stay as they are. */
  readonly remeasure?: Required<Remeasure> | null;
  /** Columns of every row of a processor, and its memory. */
  readonly facts: (ep: Ep) => { readonly columns: Row; readonly memoryBytes: number };
  /** Waits before a cell. */
  readonly rest: (ep: Ep, first: boolean) => Promise<void>;
  readonly line: Progress["line"];
  /** Measures cells that share a process; returns those that it did not come to. */
  readonly measure: (batch: readonly Todo[], reports: Reports) => Promise<readonly Todo[]>;
}

/** What of a cell is not measured yet. */
export function missingOf(
  cell: AnyCell,
  ledger: Ledger,
  energyRepeats: number,
  precision: Precision | null = null,
): Todo {
  const taken = ledger.samples(cell);
  return {
    cell,
    repeats: isEnough(taken, cell, precision)
      ? []
      : ledger.missing(cell, "latency", mostRepeats(cell, precision)),
    energyRepeats: ledger.missing(cell, "energy", energyRepeats),
    ...(precision && { taken }),
  };
}

/** Measures the batches of a schedule, one after the other; what goes wrong with a cell is a row of it. */
export async function drive(batches: readonly (readonly Todo[])[], sweep: Drive): Promise<void> {
  const { campaign, ledger, orderSeed, bisect, precision = null, remeasure, facts, rest, line } = sweep;
  const commonOf = ({ ep }: AnyCell): Row => ({
    campaign: campaign.name,
    ...facts(ep).columns,
    order_seed: orderSeed,
  });
  const add = (row: Row): void => {
    campaign.add(row);
    ledger.add(row);
  };
  /** Whether earlier blocks took samples enough; energy and what is in doubt are another matter. */
  const isKnown = ({ cell, energyRepeats, attempt }: Todo): boolean =>
    attempt === undefined && energyRepeats.length === 0 && isEnough(ledger.samples(cell), cell, precision);
  /** Whether a cell is still to be measured; one that cannot fit is said to be skipped. */
  const isWanted = (one: Todo): boolean => {
    const { cell } = one;
    if (ledger.ended(cell) || ledger.ranOut(cell)) return false;
    const shorter = ledger.impliedBy(cell);
    if (shorter === null || ledger.ran(cell)) return !isKnown(one);
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
  const takeAgain = async ({ budgetS, attempts }: Required<Remeasure>): Promise<void> => {
    const end = performance.now() + 1000 * budgetS;
    for (;;) {
      // What went wrong when it was taken again is not tried once more.
      const cells = ledger.settings().flat();
      const doubtful = inDoubt(
        cells.filter((cell) => !ledger.ended(cell)),
        (cell) => ledger.of(cell),
        attempts,
      );
      if (doubtful.length === 0) return;
      for (const one of doubtful) {
        if (performance.now() > end) {
          line(`the ${budgetS} s for measuring again are used up: cells in doubt stay as they are`);
          return;
        }
        await measureAll([[one]]);
      }
    }
  };
  await measureAll(batches);
  if (remeasure) await takeAgain(remeasure);
  if (!bisect) return;
  for (const setting of ledger.settings()) {
    const [like] = setting as [AnyCell];
    const budgetBytes = like.memoryBytes ?? facts(like.ep).memoryBytes;
    await findLimit(setting, ledger, {
      measure: (cell) => measureAll([[missingOf(cell, ledger, 0, precision)]]),
      budgetBytes,
      report: (row) => {
        add({ ...limitColumns(like, commonOf(like)), memory_limit_bytes: budgetBytes, ...row });
      },
      line,
    });
  }
}
