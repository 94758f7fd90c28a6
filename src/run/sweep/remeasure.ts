import { UserError } from "../../errors.js";
import { verdictReason, type Row } from "../../record/index.js";
import type { AnyCell } from "../plan.js";
import type { Todo } from "../work.js";

/** How samples in doubt are taken again. */
export interface Remeasure {
  /** Seconds after which no further cell is begun again. */
  budgetS: number;
  /** How often a sample is taken again at most. Default 2. */
  attempts?: number;
}

/** With defaults; UserError for what makes no sense. */
export function remeasureOf(wanted: Remeasure | undefined): Required<Remeasure> | null {
  if (wanted === undefined) return null;
  const { budgetS, attempts = 2 } = wanted;
  if (!(budgetS > 0))
    throw new UserError(`the budget of measuring again is ${budgetS} s; it must be above 0`);
  if (!(Number.isInteger(attempts) && attempts >= 1))
    throw new UserError(
      `the attempts at measuring again are ${attempts}; they must be a whole number of 1 or more`,
    );
  return { budgetS, attempts };
}

/**
 * Samples to be taken again: those whose newest reading is in doubt for a reason that may have passed. Only verdicts decide; a
 * choice by times would make them look faster than they are.
 *
 * @param rowsOf the rows of a cell
 */
export function inDoubt(
  cells: readonly AnyCell[],
  rowsOf: (cell: AnyCell) => readonly Row[],
  attempts: number,
): Todo[] {
  return cells.flatMap((cell) => {
    const newest = new Map<number, Row>();
    for (const row of rowsOf(cell))
      if (row.kind === "latency" && row.status === "ok" && row.repeat != null) {
        const before = newest.get(row.repeat);
        if ((row.attempt ?? 0) >= (before?.attempt ?? 0)) newest.set(row.repeat, row);
      }
    const doubtful = [...newest.values()].filter(
      (row) => (row.attempt ?? 0) < attempts && hasPassingReason(row),
    );
    if (doubtful.length === 0) return [];
    const attempt = 1 + Math.max(...doubtful.map((row) => row.attempt ?? 0));
    return [{ cell, repeats: doubtful.map(({ repeat }) => repeat!), energyRepeats: [], attempt }];
  });
}

const hasPassingReason = ({ verdict, verdict_reasons }: Row): boolean =>
  verdict !== "ok" && (verdict_reasons ?? []).some((code) => verdictReason(code)?.isTransient);
