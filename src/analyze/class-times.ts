import { UserError } from "../errors.js";
import { tableToRows, type Row } from "../record/index.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import { groupRows, takeRows, tableOf, type Rows } from "./rows.js";
import { seriesLabel } from "./series-label.js";

/** Which rows of profiles are meant. */
export interface ProfileChoice {
  /** Default: prefill. */
  phase?: "prefill" | "decode";
  /** Default: `class`, ours, and where no row has it `fine`, the paper's. */
  breakdown?: "class" | "fine" | "three_class";
}

/** What a pass of one length took, by class, in ms. */
export interface ProfiledLength {
  readonly length: number;
  /** Of the whole pass; the classes sum to it. */
  readonly ms: number;
  readonly classes: ReadonlyMap<string, number>;
  /** What the profiled times were multiplied by to be those of an unprofiled pass; null where none was timed. */
  readonly scale: number | null;
}

/** The profiles of one model in one setting, shortest length first. */
export interface ClassTimes {
  readonly series: Series;
  /** What the times are of, as words that follow a number. */
  readonly of: string;
  readonly profiles: readonly ProfiledLength[];
}

/** What the classes of a profile lack of the pass, or have too much: a run's time outside of its nodes and gaps. */
export const UNEXPLAINED = "unexplained";

/** Shares are printed with four decimals, and times with three. */
const ROUNDING = 1e-5;

/**
 * The times of operator classes, one entry a series. Times of our own profiles are brought to those of the unprofiled pass, all
 * classes by one factor: a profiler's cost is not known class by class. It is paid for each node, so the classes of many short ones
 * and the gaps between them come out too large, more so the shorter the pass. Of published profiles the times are the device's, by
 * one classifier: the host's overlap with them (W1 of the audit).
 *
 * @throws UserError without such rows, for a length profiled twice, and for what has no times
 */
export function classTimes(given: Rows, { phase = "prefill", breakdown }: ProfileChoice = {}): ClassTimes[] {
  const table = tableOf(given);
  const all = tableToRows(table);
  const ofPhase = all.map((row) => row.kind === "operators" && (row.phase ?? "prefill") === phase);
  const has = (name: string): boolean => all.some((row, i) => ofPhase[i] && row.breakdown === name);
  const meant = breakdown ?? (has("class") ? "class" : "fine");
  const rows = all.flatMap((row, i) =>
    ofPhase[i] && row.breakdown === meant && (row.status ?? "ok") === "ok" ? [i] : [],
  );
  if (rows.length === 0)
    throw new UserError(
      `no row is of kind operators, phase ${phase} and breakdown ${meant}: profiles of the ${phase} are needed`,
    );
  return groupRows(table, SERIES_COLUMNS, rows).map(({ key, rows: members }) => {
    const series = Object.fromEntries(Object.entries(key).filter(([, value]) => value !== null)) as Series;
    const lengths = groupRows(table, ["prompt_tokens"], members).map((group) =>
      profiledLength(tableToRows(takeRows(table, group.rows)), series, meant),
    );
    return {
      series,
      of: meaningOf(lengths, meant),
      profiles: lengths.sort((a, b) => a.length - b.length),
    };
  });
}

function meaningOf(profiles: readonly ProfiledLength[], breakdown: string): string {
  if (breakdown !== "class") return "of device time of the profiled pass, by the paper's classes";
  return profiles.every(({ scale }) => scale !== null)
    ? "of the unprofiled pass, by shares of the profiled one"
    : "of the profiled pass";
}

function profiledLength(rows: readonly Row[], series: Series, breakdown: string): ProfiledLength {
  const { prompt_tokens: length, profiled_ms, unprofiled_ms } = rows[0]!;
  const where = `the profile of ${seriesLabel(series)} at ${length ?? "an unknown number of"} tokens`;
  if (length == null) throw new UserError(`${where} cannot be compared: its rows need prompt_tokens`);
  const twice = rows.find(({ op_class }, i) => rows.some((row, j) => j < i && row.op_class === op_class));
  if (twice)
    throw new UserError(
      `${where} has ${twice.op_class ?? "a class"} twice: filter the rows to one setting and one repeat`,
    );
  const scale = profiled_ms && unprofiled_ms ? unprofiled_ms / profiled_ms : null;
  const measured = breakdown === "class" ? ownTimes(rows, where) : deviceTimes(rows, where);
  const classes = new Map([...measured].map(([name, ms]) => [name, ms * (scale ?? 1)]));
  const sum = sumOf(classes.values());
  // Published shares leave out what is in no class.
  const ms =
    breakdown === "class" ? (unprofiled_ms && scale ? unprofiled_ms : (profiled_ms ?? sum)) : wholeOf(rows);
  if (Math.abs(ms - sum) > ROUNDING * ms) classes.set(UNEXPLAINED, ms - sum);
  return { length, ms: sumOf(classes.values()), classes, scale };
}

/** Times of a pass as profiled. */
function ownTimes(rows: readonly Row[], where: string): Map<string, number> {
  return new Map(
    rows.map(({ op_class, op_latency_us, op_passes }) => {
      if (op_latency_us == null || !op_passes)
        throw new UserError(`${where} has no times: its rows need op_latency_us and op_passes`);
      return [op_class ?? "", op_latency_us / op_passes / 1000];
    }),
  );
}

/** By one classifier the rows have shares alone; times are of the classifier that each profile happened to have. */
function deviceTimes(rows: readonly Row[], where: string): Map<string, number> {
  const whole = wholeOf(rows);
  return new Map(
    rows.map((row) => {
      const share = deviceShare(row);
      if (share === null || !(whole > 0))
        throw new UserError(
          `${where} has no device times: its rows need op_device_us, op_passes and op_uniform_device_share_pct`,
        );
      return [row.op_class ?? "", (share / 100) * whole];
    }),
  );
}

/** By one classifier where the rows say so. */
const deviceShare = ({
  op_uniform_device_share_pct: uniform,
  op_device_share_pct: printed,
}: Row): number | null => uniform ?? printed ?? null;

/** Device time of a pass, ms: that of the classes over their share of it. */
function wholeOf(rows: readonly Row[]): number {
  const ms = sumOf(
    rows.map(({ op_device_us, op_passes }) => (op_device_us ?? 0) / (op_passes ?? NaN) / 1000),
  );
  return ms / (sumOf(rows.map((row) => deviceShare(row) ?? 0)) / 100);
}

const sumOf = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);
