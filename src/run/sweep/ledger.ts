import type { Row } from "../../record/index.js";
import type { AnyCell } from "../plan.js";
import { settingKey } from "./setting.js";

/** Statuses after which a cell is not tried again by the same sweep. */
const ENDS = ["oom", "failed", "timeout"];

/** All rows of a campaign, and what they say of its cells. */
export class Ledger {
  readonly rows: Row[] = [];
  readonly #byCell = new Map<string, Row[]>();
  readonly #ended = new Set<string>();
  readonly #settings = new Map<string, AnyCell[]>();

  constructor(earlier: readonly Row[], cells: readonly AnyCell[]) {
    for (const row of earlier) this.#keep(row);
    for (const cell of cells) this.know(cell);
  }

  /** Counts a cell to those of its setting. */
  know(cell: AnyCell): void {
    const key = settingKey(cell);
    this.#settings.set(key, [...(this.#settings.get(key) ?? []), cell]);
  }

  add(row: Row): void {
    this.#keep(row);
    if (ENDS.includes(row.status ?? "")) this.#ended.add(row.cell ?? "");
  }

  of({ key }: Pick<AnyCell, "key">): readonly Row[] {
    return this.#byCell.get(key) ?? [];
  }

  /** The cells of each setting. */
  settings(): AnyCell[][] {
    return [...this.#settings.values()];
  }

  /** The samples that a cell still lacks. Of its energy, one that no sensor told is tried again. */
  missing(cell: AnyCell, kind: "latency" | "energy", repeats: number): number[] {
    if (this.ranOut(cell)) return [];
    const have = new Set(
      this.of(cell)
        .filter((row) => row.kind === kind && row.status === "ok")
        .map(({ repeat }) => repeat),
    );
    return Array.from({ length: repeats }, (_, i) => i).filter((i) => !have.has(i));
  }

  /** Running out of memory is final. */
  ranOut(cell: Pick<AnyCell, "key">): boolean {
    return this.of(cell).some(({ status }) => status === "oom");
  }

  ran(cell: Pick<AnyCell, "key">): boolean {
    return this.of(cell).some(({ status }) => status === "ok");
  }

  /** Whether it went wrong in this sweep: the next one tries again what did not run out of memory. */
  ended({ key }: Pick<AnyCell, "key">): boolean {
    return this.#ended.has(key);
  }

  /** A shorter cell of the same setting that ran out of memory, which says that this one does too. */
  impliedBy(cell: AnyCell): AnyCell | null {
    const others = this.#settings.get(settingKey(cell)) ?? [];
    return others.find((one) => one.promptTokens < cell.promptTokens && this.ranOut(one)) ?? null;
  }

  #keep(row: Row): void {
    this.rows.push(row);
    const key = row.cell ?? "";
    const mine = this.#byCell.get(key);
    if (mine) mine.push(row);
    else this.#byCell.set(key, [row]);
  }
}
