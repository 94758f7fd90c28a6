import { UserError } from "../errors.js";
import type { Row } from "../record/schema.js";
import { classesOf, UNCLASSIFIED } from "./operator-class.js";
import { distinct, factsOf, finite, isDoubtful, isOk } from "./point.js";
import { sourced, type Source, type Sources } from "./sources.js";

/** Time of one class of operators in one profile, where the row says which model and length. */
type OperatorRow = Row & { model: string; prompt_tokens: number };

/** The classes of one model at one length on one device. */
export interface Profile {
  readonly source: Source;
  readonly model: string;
  readonly device: string;
  readonly length: number;
  /** One row a class; none where the run failed. */
  readonly classes: readonly OperatorRow[];
  /** Whether they are our own classes of a profiled pass, gaps among them, and not of device time. */
  readonly ofPass: boolean;
  /** `ok`, or why there are no classes. */
  readonly status: string;
  readonly doubtful: boolean;
  /** Every row, for the caption. */
  readonly rows: readonly OperatorRow[];
}

/** Our own classes, and the paper's. */
const BREAKDOWNS: readonly (string | null | undefined)[] = ["class", "fine"];

/**
 * The rows of kind operators of each source that are of prefills, grouped by profile in order of first appearance; of the
 * breakdowns our own or the paper's fine one. What no class holds is what shares lack of 100%, so rows of the breakdown aux are
 * not needed.
 *
 * @throws UserError when a class stands twice in one profile: its shares could not add up
 */
export function profilesOf(sources: Sources): Profile[] {
  return sourced(sources).flatMap(({ source, points }) => {
    const groups = new Map<string, OperatorRow[]>();
    for (const row of factsOf(points, "operators") as OperatorRow[]) {
      if (row.breakdown != null && !BREAKDOWNS.includes(row.breakdown)) continue;
      if (row.phase === "decode") continue;
      const key = JSON.stringify([row.model, row.device ?? null, row.prompt_tokens]);
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    return [...groups.values()].map((rows) => profileOf(rows, source));
  });
}

function profileOf(rows: readonly OperatorRow[], source: Source): Profile {
  const first = rows[0]!;
  const ok = rows.filter(isOk);
  const ofPass = rows.some(({ breakdown }) => breakdown === "class");
  const classes = ok.filter(({ op_class }) => ofPass || op_class !== UNCLASSIFIED);
  const { model, prompt_tokens: length } = first;
  const seen = distinct(classes.map(({ op_class }) => op_class));
  if (seen.length < classes.length)
    throw new UserError(
      `the profile of ${model} at ${length} tokens has ${classes.length} rows for ${seen.length} operator classes: ` +
        `filter the rows to one setting and one repeat, or give each its own name in model`,
    );
  return {
    source,
    model,
    device: first.device ?? "",
    length,
    classes,
    ofPass,
    status: ok.length > 0 ? "ok" : (first.status ?? "ok"),
    doubtful: rows.some(isDoubtful),
    rows,
  };
}

/** How far the classes of a profiled pass may be off its wall time before they are refused; percent. */
const PASS_TOLERANCE = 20;

/**
 * What a share is a share of: time on the device, which is a CPU's own time where the rows have no other, and of our own
 * profiles the time of the profiled pass, gaps included; host and device time added, as the paper did although the two
 * overlap; or the same as printed, by the classifier that each profile was summarized with.
 */
export type TimeBasis = "device" | "host+device" | "published";

/** Percent of the profile's time. Their sum is 100 over a profile; `host` is the part that is host time. */
export interface Share {
  readonly op_class: string;
  readonly value: number;
  readonly host: number;
}

/** Below this a share is rounding: published shares have four decimals. */
const ROUNDING = 0.01;

/**
 * Shares of a profile on a basis in the fixed order of classes, what is in no class as `unclassified`; null where
 * its rows carry none. One classifier for all profiles where the rows have those shares.
 *
 * @throws UserError when the shares exceed 100%
 */
export function sharesOf(profile: Profile, basis: TimeBasis): Share[] | null {
  const onCpu = basis === "device" && profile.classes.every((row) => deviceShare(row) === null);
  const values = profile.classes.flatMap((row) => {
    const value = shareColumn(row, onCpu ? "host+device" : basis);
    return value === null ? [] : [{ op_class: row.op_class ?? "", value, onDevice: deviceShare(row) }];
  });
  if (values.length === 0) return null;
  if (profile.ofPass) return sharesOfPass(profile, values);
  const rest = 100 - values.reduce((sum, { value }) => sum + value, 0);
  if (rest < -0.5)
    throw new UserError(
      `operator shares of ${profile.model} at ${profile.length} tokens sum to ${(100 - rest).toFixed(1)}%: they must not exceed 100%`,
    );
  const onDevice = values.reduce((sum, share) => sum + (share.onDevice ?? 0), 0);
  const ofAll = basis === "host+device" ? deviceFraction(profile, 100 - rest, onDevice) : null;
  if (rest > ROUNDING) values.push({ op_class: UNCLASSIFIED, value: rest, onDevice: 100 - onDevice });
  return classesOf(values.map(({ op_class }) => op_class)).map(({ op_class: name }) => {
    const { value, onDevice } = values.find(({ op_class }) => op_class === name)!;
    const host = ofAll === null || onDevice === null ? 0 : Math.max(0, value - onDevice * ofAll);
    return { op_class: name, value, host };
  });
}

/** Of what the classes hold: they sum to the pass but for what the clocks of the profiler and the host differ by. */
function sharesOfPass(
  { model, length }: Profile,
  values: readonly { op_class: string; value: number }[],
): Share[] {
  // Overlapping clocks may leave less than nothing for the gaps.
  const all = values.reduce((sum, { value }) => sum + Math.max(0, value), 0);
  if (Math.abs(all - 100) > PASS_TOLERANCE)
    throw new UserError(
      `operator shares of ${model} at ${length} tokens sum to ${all.toFixed(1)}%: they must sum to 100%`,
    );
  return classesOf(values.map(({ op_class }) => op_class)).map(({ op_class: name }) => {
    const { value } = values.find(({ op_class }) => op_class === name)!;
    return { op_class: name, value: (100 * Math.max(0, value)) / all, host: 0 };
  });
}

const deviceShare = (row: OperatorRow): number | null =>
  finite(row.op_uniform_device_share_pct) ?? finite(row.op_device_share_pct);

function shareColumn(row: OperatorRow, basis: TimeBasis): number | null {
  if (basis === "device") return deviceShare(row);
  const published = finite(row.op_share_pct);
  return basis === "published" ? published : (finite(row.op_uniform_share_pct) ?? published);
}

/**
 * Device time per host and device time of a whole profile, what is in no class included, 0 to 1; null where a row
 * lacks either time. A whole is the time of its classes over their share of it.
 */
function deviceFraction({ classes }: Profile, share: number, deviceShareOfClasses: number): number | null {
  let device = 0;
  let both = 0;
  for (const { op_cpu_us, op_device_us } of classes) {
    const [cpu, gpu] = [finite(op_cpu_us), finite(op_device_us)];
    if (cpu === null || gpu === null) return null;
    device += gpu;
    both += cpu + gpu;
  }
  return device > 0 ? device / deviceShareOfClasses / (both / share) : null;
}
