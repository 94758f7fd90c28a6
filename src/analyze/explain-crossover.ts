import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { classTimes, type ClassTimes, type ProfileChoice, type ProfiledLength } from "./class-times.js";
import { whole } from "./describe-crossover.js";
import { interpolatedCurve } from "./interpolate.js";
import { lowerAt, meetingsIn, searchGrid } from "./pair.js";
import type { Rows } from "./rows.js";
import { labelPair, seriesLabel } from "./series-label.js";

/** By how much the difference of one class moved, from one length to another. */
export interface ClassChange {
  readonly op_class: string;
  /** a's time less b's, ms, at the shorter and the longer length. */
  readonly before_ms: number;
  readonly after_ms: number;
  /** after_ms − before_ms: over all classes they sum to the change of the whole difference. */
  readonly change_ms: number;
  /** That as a share of the whole change, %: over all classes 100. Below 0 it works against the crossing. */
  readonly change_pct: number;
}

/** A change of order between two profiled lengths. */
export interface ExplainedCrossing {
  /** Where the passes take as long, by straight lines between the two on logarithmic axes. */
  readonly tokens: number;
  readonly before_tokens: number;
  readonly after_tokens: number;
  readonly lowerBelow: string;
  readonly lowerAbove: string;
  /** Every class, the one that makes them cross first. */
  readonly changes: readonly ClassChange[];
}

/** Why the times of two models cross, or do not. */
export interface CrossoverExplanation {
  readonly a: string;
  readonly b: string;
  /**
   * A row for each common length and class: `prompt_tokens`, `op_class`, `a_ms`, `b_ms`, `difference_ms` (a less b, which sums to
   * the difference of the passes), `a_pct` and `b_pct` of the pass.
   */
  readonly table: ColumnTable;
  readonly crossings: readonly ExplainedCrossing[];
  /** What moved from the shortest to the longest common length. */
  readonly overall: readonly ClassChange[];
  /** The same in sentences. */
  readonly text: string;
}

/**
 * Splits the difference of two models' TTFT into operator classes, at each length that both were profiled at, and says which
 * class makes them cross.
 *
 * With d_c(L) the time of class c of `a` less that of `b`, the difference of the passes is D(L) = Σ_c d_c(L). They cross where D
 * changes its sign, between neighbouring lengths L₁ < L₂. Over these D moves by ΔD = D(L₂) − D(L₁) = Σ_c Δd_c, which holds exactly, and the
 * class that makes them cross is the one with the largest Δd_c/ΔD: had its difference stayed as it was, ΔD would have lacked most.
 * A class that is merely large, but equally so at both lengths, explains who leads and not that the lead changes. It is an
 * account and no experiment: a kernel that is made faster may move what waits for it.
 *
 * Times are brought to those of unprofiled passes as `classTimes` says: by one factor for all classes of a profile, which is an
 * assumption; where profiles have no unprofiled time, and of published ones, times are those of the profiled passes.
 *
 * @param a profile rows of one model in one setting (kind operators), as `profile` writes them
 * @throws UserError for rows of several models or settings, without two lengths in common, and for what has no times
 *
 * @example
 * console.log(explainCrossover(qwen, mamba).text);
 */
export function explainCrossover(a: Rows, b: Rows, choice: ProfileChoice = {}): CrossoverExplanation {
  const [ofA, ofB] = [oneSeries(a, choice, "a"), oneSeries(b, choice, "b")];
  const [labelA, labelB] = labelPair(ofA.series, ofB.series);
  const shared = sharedProfiles(ofA, ofB);
  const names = [...new Set(shared.flatMap((one) => [...one.a.classes.keys(), ...one.b.classes.keys()]))];
  const explained = { a: labelA, b: labelB };
  const crossings = crossingsOf(shared, names, explained);
  const overall = changes(shared[0]!, shared.at(-1)!, names);
  return {
    ...explained,
    table: tableOfClasses(shared, names),
    crossings,
    overall,
    text: inSentences({ ...explained, crossings, overall }, shared, [ofA, ofB]),
  };
}

/** Two profiles of one length. */
interface Shared {
  readonly length: number;
  readonly a: ProfiledLength;
  readonly b: ProfiledLength;
}

function oneSeries(rows: Rows, choice: ProfileChoice, side: "a" | "b"): ClassTimes {
  const [first, ...more] = classTimes(rows, choice);
  if (more.length > 0) {
    const found = [first!, ...more].map(({ series }) => [
      series.model,
      series.lowering,
      series.device,
      series.dtype,
    ]);
    throw new UserError(
      `${side} has profiles of ${found.length} models or settings (${found.map((one) => one.filter(Boolean).join(" ")).join(", ")}): filter its rows to one`,
    );
  }
  return first!;
}

function sharedProfiles(a: ClassTimes, b: ClassTimes): Shared[] {
  const shared = a.profiles.flatMap((one): Shared[] => {
    const other = b.profiles.find(({ length }) => length === one.length);
    return other ? [{ length: one.length, a: one, b: other }] : [];
  });
  if (shared.length < 2)
    throw new UserError(
      `${seriesLabel(a.series)} was profiled at ${lengthsOf(a)} tokens and ${seriesLabel(b.series)} at ${lengthsOf(b)}: ` +
        `a crossing needs two lengths in common`,
    );
  return shared;
}

const lengthsOf = ({ profiles }: ClassTimes): string => profiles.map(({ length }) => length).join(", ");

const differenceOf = ({ a, b }: Shared, op_class: string): number =>
  (a.classes.get(op_class) ?? 0) - (b.classes.get(op_class) ?? 0);

/** In the direction in which the whole moved: the most first. */
function changes(before: Shared, after: Shared, names: readonly string[]): ClassChange[] {
  const moved = names.map((op_class) => {
    const [before_ms, after_ms] = [differenceOf(before, op_class), differenceOf(after, op_class)];
    return { op_class, before_ms, after_ms, change_ms: after_ms - before_ms };
  });
  const all = moved.reduce((sum, { change_ms }) => sum + change_ms, 0);
  return moved
    .map((one) => ({ ...one, change_pct: (100 * one.change_ms) / all }))
    .sort((p, q) => q.change_pct - p.change_pct);
}

function crossingsOf(
  shared: readonly Shared[],
  names: readonly string[],
  { a, b }: { a: string; b: string },
): ExplainedCrossing[] {
  const lengths = shared.map(({ length }) => length);
  const curve = (side: "a" | "b") =>
    interpolatedCurve(
      lengths,
      shared.map((one) => one[side].ms),
    );
  const pair = { a: curve("a"), b: curve("b") };
  return shared.slice(1).flatMap((after, i): ExplainedCrossing[] => {
    const before = shared[i]!;
    const [below, above] = [lowerAt(pair, before.length), lowerAt(pair, after.length)];
    if (below === null || above === null || below === above) return [];
    const [meeting] = meetingsIn(pair, searchGrid([before.length, after.length]));
    const label = { a, b };
    return [
      {
        tokens: meeting!.tokens,
        before_tokens: before.length,
        after_tokens: after.length,
        lowerBelow: label[below],
        lowerAbove: label[above],
        changes: changes(before, after, names),
      },
    ];
  });
}

function tableOfClasses(shared: readonly Shared[], names: readonly string[]): ColumnTable {
  const rows = shared.flatMap((one) => names.map((op_class) => ({ ...one, op_class })));
  const time = ({ classes }: ProfiledLength, op_class: string): number => classes.get(op_class) ?? 0;
  return fromColumns({
    prompt_tokens: rows.map(({ length }) => length),
    op_class: rows.map(({ op_class }) => op_class),
    a_ms: rows.map(({ a, op_class }) => time(a, op_class)),
    b_ms: rows.map(({ b, op_class }) => time(b, op_class)),
    difference_ms: rows.map((row) => differenceOf(row, row.op_class)),
    a_pct: rows.map(({ a, op_class }) => (100 * time(a, op_class)) / a.ms),
    b_pct: rows.map(({ b, op_class }) => (100 * time(b, op_class)) / b.ms),
  });
}

// In words.

function inSentences(
  { a, b, crossings, overall }: Omit<CrossoverExplanation, "table" | "text">,
  shared: readonly Shared[],
  times: readonly ClassTimes[],
): string {
  const [first, last] = [shared[0]!, shared.at(-1)!];
  const found = crossings.map((crossing) => {
    const { before_tokens, after_tokens, lowerBelow, lowerAbove } = crossing;
    const [most] = crossing.changes;
    return (
      `Between ${whole(before_tokens)} and ${whole(after_tokens)} tokens (at about ${whole(crossing.tokens)}) ${lowerAbove} becomes the ` +
      `faster one in place of ${lowerBelow}, and ${most!.op_class} makes them cross: of the change of ${ms(changeOf(crossing.changes))} in ` +
      `the difference it is ${percent(most!.change_pct)}${others(crossing.changes.slice(1))}.`
    );
  });
  if (found.length === 0) {
    const lower = first.a.ms < first.b.ms ? a : b;
    found.push(
      `${lower} is the faster one at every length profiled, ${whole(first.length)} to ${whole(last.length)} tokens; the difference moves by ` +
        `${ms(changeOf(overall))}, of which ${overall[0]!.op_class} is ${percent(overall[0]!.change_pct)}${others(overall.slice(1))}.`,
    );
  }
  return [...found, ...caveats(a, b, shared, times)].join(" ");
}

function caveats(a: string, b: string, shared: readonly Shared[], times: readonly ClassTimes[]): string[] {
  const meanings = [...new Set(times.map(({ of }) => of))];
  const inflation = shared.flatMap((one) => [one.a.scale, one.b.scale]).flatMap((scale) => scale ?? []);
  const said =
    meanings.length === 1
      ? [`Times are ${meanings[0]!}.`]
      : [`Times of ${a} are ${times[0]!.of}, those of ${b} ${times[1]!.of}: they are not of one kind.`];
  if (inflation.length > 0) {
    const [least, most] = [1 / Math.max(...inflation), 1 / Math.min(...inflation)];
    said.push(
      `Under the profiler passes took ${least.toFixed(2)} to ${most.toFixed(2)} times as long; that is taken off all classes alike.`,
    );
  }
  return said;
}

const changeOf = (moved: readonly ClassChange[]): number =>
  moved.reduce((sum, { change_ms }) => sum + change_ms, 0);

/** What else moved it by a tenth or more, either way. */
function others(moved: readonly ClassChange[]): string {
  const worth = moved.filter(({ change_pct }) => Math.abs(change_pct) >= 10);
  if (worth.length === 0) return "";
  return `, ${worth.map(({ op_class, change_pct }) => `${op_class} ${percent(change_pct)}`).join(", ")}`;
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;
const percent = (value: number): string => `${Math.round(value)} %`;
