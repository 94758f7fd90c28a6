import type { Row } from "../record/index.js";
import { median } from "../stats/index.js";
import { estimate, type Estimate, type Group } from "./estimate.js";
import { isOk, longestOf, longestRatioOf } from "./longest.js";
import type { Across, Measure, Missing, Reading, Span } from "./measure.js";
import { isRead, readingWords } from "./readings.js";

/** What rows of one setting say of a measure. */
export type Outcome = Estimate | Missing;

/** Evaluates a measure on rows of one setting. Only successful rows count, except for the longest length. */
export function evaluate(measure: Measure, rows: readonly Row[]): Outcome {
  const outcome = outcomeOf(measure, rows);
  if ("missing" in outcome || typeof outcome.value !== "number" || Number.isFinite(outcome.value))
    return outcome;
  const base = baseOf(measure);
  return { missing: `finite value: ${base ? `${readingWords(base)} is 0` : `it is ${outcome.value}`}` };
}

function outcomeOf(measure: Measure, rows: readonly Row[]): Outcome {
  const ok = rows.filter(isOk);
  switch (measure.form) {
    case "value":
      return over(ok, [measure.of], ([of]) => of!);
    case "ratio":
      return over(ok, [measure.of, measure.over], ([of, base]) => of! / base!);
    case "highest-ratio":
      return highestRatioOf(ok, measure);
    case "share":
      return over(ok, [measure.of, measure.whole], ([of, whole]) => (100 * of!) / whole!);
    case "reduction":
      return over(ok, [measure.of, measure.from], ([of, base]) => 100 * (1 - of! / base!));
    case "difference":
      return over(ok, [measure.of, measure.less], ([of, base]) => of! - base!);
    case "range":
      return overLengths(ok, measure.of, (values) => [Math.min(...values), Math.max(...values)]);
    case "growth":
      return overLengths(ok, measure.of, (values) => [values[0]!, values.at(-1)!]);
    case "slope":
      return slopeOf(ok, measure.of);
    case "crossing":
      return crossingOf(ok, measure);
    case "longest":
      return longestOf(rows, measure.models);
    case "longest-ratio":
      return longestRatioOf(rows, measure);
    case "derived": {
      const value = measure.from(ok);
      if (value === null) return { missing: "row that carries it" };
      return typeof value === "object" && "missing" in value
        ? value
        : { value, interval: null, bracket: null, samples: 1 };
    }
  }
}

/** What a quotient divides by; null of no quotient. */
function baseOf(measure: Measure): Reading | null {
  switch (measure.form) {
    case "ratio":
    case "highest-ratio":
      return measure.over;
    case "share":
      return measure.whole;
    case "reduction":
      return measure.from;
    default:
      return null;
  }
}

/** A statistic of one number a reading. */
function over(
  rows: readonly Row[],
  readings: readonly Reading[],
  statistic: (values: readonly number[]) => number,
): Outcome {
  const parts = readings.map((reading) => ({ reading, groups: groupsOf(rows, reading) }));
  const lacking = parts.flatMap(({ reading, groups }) => lackOf(reading, groups) ?? []);
  if (lacking.length > 0) return { missing: lacking.join(" and no ") };
  return estimate(
    parts.flatMap(({ groups }) => groups),
    (medians) => {
      let next = 0;
      const values = parts.map(({ reading, groups }) =>
        join(medians.slice(next, (next += groups.length)), reading.across),
      );
      return statistic(values);
    },
  );
}

function overLengths(
  rows: readonly Row[],
  reading: Reading,
  span: (values: readonly number[]) => Span,
): Outcome {
  const groups = groupsOf(rows, reading);
  const lack = lackOfLengths(reading, groups);
  if (lack !== null) return { missing: lack };
  return {
    value: span(groups.map(({ values }) => median(values))),
    interval: null,
    bracket: null,
    samples: Math.min(...groups.map(({ values }) => values.length)),
  };
}

function slopeOf(rows: readonly Row[], reading: Reading): Outcome {
  const groups = groupsOf(rows, reading);
  const lack = lackOfLengths(reading, groups);
  if (lack !== null) return { missing: lack };
  const lengths = groups.map(({ tokens }) => tokens!);
  return estimate(groups, (values) =>
    median(
      values.flatMap((high, j) =>
        values.slice(0, j).map((low, i) => (high - low) / (lengths[j]! - lengths[i]!)),
      ),
    ),
  );
}

function highestRatioOf(rows: readonly Row[], measure: Extract<Measure, { form: "highest-ratio" }>): Outcome {
  const pairs = atCommonLengths(rows, measure.of, measure.over).filter(
    ([{ tokens }]) => tokens! < measure.below,
  );
  if (pairs.length === 0)
    return {
      missing: `${readingWords(measure.of)} and of ${measure.over.model ?? "another"} at a length below ${measure.below} tokens`,
    };
  return estimate(pairs.flat(), (medians) =>
    Math.max(...pairs.map((_, i) => medians[2 * i]! / medians[2 * i + 1]!)),
  );
}

/**
 * The two lengths between which `beyond` becomes the lower one and stays it to the longest. At each common length the
 * ratio of the medians is judged by its interval, so lengths where the samples do not tell widen the span.
 * [-Infinity, shortest] if it is lower at all, [longest, Infinity] if it is not lower at the end.
 */
function crossingOf(
  rows: readonly Row[],
  { metric, below, beyond }: Extract<Measure, { form: "crossing" }>,
): Outcome {
  const common = atCommonLengths(rows, { metric, model: beyond }, { metric, model: below });
  if (common.length < 2)
    return { missing: `${metric} of ${below} and ${beyond} at two or more common lengths` };
  const leads = common.map((pair) => ({ tokens: pair[0].tokens!, lead: leadOf(pair) }));
  const from = leads.findLast(({ lead }) => lead < 0)?.tokens ?? -Infinity;
  const to = leads.find(({ tokens, lead }) => lead > 0 && tokens > from)?.tokens ?? Infinity;
  if (from === -Infinity && to === Infinity)
    return { missing: `length at which ${metric} of ${below} and ${beyond} differ for certain` };
  return {
    value: [from, to],
    interval: null,
    bracket: null,
    samples: Math.min(...common.flat().map(({ values }) => values.length)),
  };
}

/** 1 where the first is lower, −1 where it is higher, 0 where the samples do not tell. */
function leadOf(pair: readonly [Group, Group]): number {
  const { value, interval } = estimate(pair, ([a, b]) => a! / b!);
  const [low, high] = interval ?? [value as number, value as number];
  return high < 1 ? 1 : low > 1 ? -1 : 0;
}

/** Samples of two readings at the lengths that both have. */
function atCommonLengths(rows: readonly Row[], of: Reading, other: Reading): (readonly [Group, Group])[] {
  const others = groupsOf(rows, other);
  return groupsOf(rows, of).flatMap((one) => {
    const match = others.find(({ tokens }) => tokens !== null && tokens === one.tokens);
    return match ? [[one, match] as const] : [];
  });
}

/** Samples of a reading by length and task, in order of length. */
function groupsOf(rows: readonly Row[], reading: Reading): Group[] {
  const groups = new Map<string, Group & { values: number[] }>();
  for (const row of rows) {
    if (!isRead(row, reading)) continue;
    const { prompt_tokens: tokens = null, task = null, op_class } = row;
    const key = JSON.stringify([tokens, task, op_class]);
    const group = groups.get(key) ?? { tokens, task, values: [] };
    groups.set(key, group);
    group.values.push(row[reading.metric]! * (reading.scale ?? 1));
  }
  return [...groups.values()].sort((p, q) => (p.tokens ?? 0) - (q.tokens ?? 0));
}

/** What a reading that becomes one number lacks; null where nothing. */
function lackOf(reading: Reading, groups: readonly Group[]): string | null {
  if (groups.length === 0) return readingWords(reading);
  const { tasks = [], span, across } = reading;
  const untaken = tasks.filter((name) => !groups.some(({ task }) => task === name));
  if (untaken.length > 0) return readingWords({ ...reading, tasks: untaken });
  if (span) return lackOfSpan(reading, span, groups);
  return across === undefined && groups.length > 1
    ? `single ${readingWords(reading)}, but ${groups.length} lengths or tasks`
    : null;
}

function lackOfLengths(reading: Reading, groups: readonly Group[]): string | null {
  if (reading.span) return lackOfSpan(reading, reading.span, groups);
  return groups.length < 2 ? `${readingWords(reading)} at two or more lengths` : null;
}

/** How far apart, as a factor, the lengths may be of which "every length" is said. */
const STEP = 4;

function lackOfSpan(reading: Reading, [first, last]: Span, groups: readonly Group[]): string | null {
  const lengths = groups.map(({ tokens }) => tokens!);
  const { span: _, ...anywhere } = reading;
  const absent = [first, last].find((end) => !lengths.includes(end));
  if (absent !== undefined) return readingWords({ ...anywhere, tokens: absent });
  const at = lengths.findIndex((tokens, i) => tokens > STEP * (lengths[i - 1] ?? tokens));
  return at < 0
    ? null
    : `${readingWords(anywhere)} between ${lengths[at - 1]!} and ${lengths[at]!} tokens, a factor of more than ${STEP} apart`;
}

function join(values: readonly number[], across: Across = "mean"): number {
  switch (across) {
    case "lowest":
      return Math.min(...values);
    case "highest":
      return Math.max(...values);
    case "mean":
      return values.reduce((sum, value) => sum + value, 0) / values.length;
  }
}
