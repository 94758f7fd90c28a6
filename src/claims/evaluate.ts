import type { Row } from "../record/index.js";
import { median } from "../stats/index.js";
import { estimate, type Estimate, type Group } from "./estimate.js";
import type { Across, Measure, Reading, Span } from "./measure.js";

/** What rows lack, as the object of "there is no …". */
export interface Missing {
  readonly missing: string;
}

/** What rows of one setting say of a measure. */
export type Outcome = Estimate | Missing;

/** Evaluates a measure on rows of one setting. Only successful rows count, except for the longest length. */
export function evaluate(measure: Measure, rows: readonly Row[]): Outcome {
  const ok = rows.filter(isOk);
  switch (measure.form) {
    case "value":
      return over(ok, [measure.of], ([of]) => of!);
    case "ratio":
      return over(withLimits(rows), [measure.of, measure.over], ([of, base]) => of! / base!);
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
    case "derived": {
      const value = measure.from(ok);
      return value === null ? { missing: "row that carries it" } : { value, interval: null, samples: 1 };
    }
  }
}

const isOk = ({ status }: Row): boolean => status == null || status === "ok";

/** A statistic of one number a reading. */
function over(
  rows: readonly Row[],
  readings: readonly Reading[],
  statistic: (values: readonly number[]) => number,
): Outcome {
  const parts = readings.map((reading) => ({ reading, groups: groupsOf(rows, reading) }));
  const missing = missingOf(parts);
  if (missing) return missing;
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
  if (groups.length < 2) return { missing: `${words(reading)} at two or more lengths` };
  return {
    ...estimate(groups, () => 0),
    interval: null,
    value: span(groups.map(({ values }) => median(values))),
  };
}

function slopeOf(rows: readonly Row[], reading: Reading): Outcome {
  const groups = groupsOf(rows, reading);
  if (groups.length < 2) return { missing: `${words(reading)} at two or more lengths` };
  const lengths = groups.map(({ tokens }) => tokens!);
  return estimate(groups, (values) =>
    median(
      values.flatMap((high, j) =>
        values.slice(0, j).map((low, i) => (high - low) / (lengths[j]! - lengths[i]!)),
      ),
    ),
  );
}

/**
 * The two lengths between which `beyond` becomes the lower one and stays it to the longest. At each common length the
 * ratio of the medians is judged by its interval, so lengths where the samples do not tell widen the span.
 * [0, shortest] if it is lower at all, [longest, Infinity] if it is not lower at the end.
 */
function crossingOf(
  rows: readonly Row[],
  { metric, below, beyond }: Extract<Measure, { form: "crossing" }>,
): Outcome {
  const [shorter, longer] = [below, beyond].map((model) => groupsOf(rows, { metric, model }));
  const common = longer!.flatMap((one) => {
    const other = shorter!.find(({ tokens }) => tokens === one.tokens);
    return other ? [[one, other] as const] : [];
  });
  if (common.length < 2)
    return { missing: `${metric} of ${below} and ${beyond} at two or more common lengths` };
  const leads = common.map((pair) => ({ tokens: pair[0].tokens!, lead: leadOf(pair) }));
  const from = leads.findLast(({ lead }) => lead < 0)?.tokens ?? 0;
  const to = leads.find(({ tokens, lead }) => lead > 0 && tokens > from)?.tokens ?? Infinity;
  if (from === 0 && to === Infinity)
    return { missing: `length at which ${metric} of ${below} and ${beyond} differ for certain` };
  return {
    value: [from, to],
    interval: null,
    samples: Math.min(...common.flat().map(({ values }) => values.length)),
  };
}

/** 1 where the first is lower, −1 where it is higher, 0 where the samples do not tell. */
function leadOf(pair: readonly [Group, Group]): number {
  const { value, interval } = estimate(pair, ([a, b]) => a! / b!);
  const [low, high] = interval ?? [value as number, value as number];
  return high < 1 ? 1 : low > 1 ? -1 : 0;
}

/** The shortest of the models' longest lengths; its interval reaches to the length that ran out of memory. */
function longestOf(rows: readonly Row[], models: readonly string[]): Outcome {
  const limits = models.map((model) => limitOf(rows, model));
  const unknown = models.find((_, i) => limits[i] === null);
  if (unknown !== undefined) return { missing: `length that ${unknown} ran` };
  const [shortest] = limits.flatMap((limit) => limit ?? []).sort((p, q) => p.longest - q.longest);
  const { longest, failed, samples } = shortest!;
  return { value: longest, interval: [longest, failed ?? Infinity], samples };
}

interface Limit {
  longest: number;
  /** The shortest length that ran out of memory; null where none is known. */
  failed: number | null;
  samples: number;
}

function limitOf(rows: readonly Row[], model: string): Limit | null {
  const own = rows.filter((row) => row.model === model);
  const stated = own.find(({ max_prompt_tokens }) => max_prompt_tokens != null);
  if (stated)
    return { longest: stated.max_prompt_tokens!, failed: stated.next_prompt_tokens ?? null, samples: 1 };
  const ran = own.filter(isOk).flatMap(({ prompt_tokens }) => prompt_tokens ?? []);
  if (ran.length === 0) return null;
  const longest = Math.max(...ran);
  const failed = own
    .filter(({ status }) => status === "oom")
    .flatMap(({ prompt_tokens }) => prompt_tokens ?? [])
    .filter((tokens) => tokens > longest);
  return {
    longest,
    failed: failed.length > 0 ? Math.min(...failed) : null,
    samples: ran.filter((tokens) => tokens === longest).length,
  };
}

/** Rows with a limit for every model that was seen to run out of memory: its longest length is a measurement. */
function withLimits(rows: readonly Row[]): Row[] {
  const models = new Set(rows.flatMap(({ model, status }) => (status === "oom" && model ? [model] : [])));
  const limits = [...models].flatMap((model): Row[] => {
    const limit = limitOf(rows, model);
    return limit?.failed == null ? [] : [{ model, max_prompt_tokens: limit.longest }];
  });
  return [...rows.filter(isOk), ...limits];
}

/** Samples of a reading by length and task, in order of length. */
function groupsOf(rows: readonly Row[], { metric, model, tokens, where = {}, scale = 1 }: Reading): Group[] {
  const columns = Object.entries(where) as [keyof Row, unknown][];
  const groups = new Map<string, { tokens: number | null; values: number[] }>();
  for (const row of rows) {
    const sample = row[metric];
    if (sample == null || (model !== undefined && row.model !== model)) continue;
    if (tokens !== undefined && row.prompt_tokens !== tokens) continue;
    if (columns.some(([name, wanted]) => row[name] !== wanted)) continue;
    const length = row.prompt_tokens ?? null;
    const key = `${length} ${row.task ?? ""} ${row.op_class ?? ""}`;
    const group = groups.get(key) ?? { tokens: length, values: [] };
    groups.set(key, group);
    group.values.push(sample * scale);
  }
  return [...groups.values()].sort((p, q) => (p.tokens ?? 0) - (q.tokens ?? 0));
}

function missingOf(parts: readonly { reading: Reading; groups: readonly Group[] }[]): Missing | null {
  const lacking = parts.filter(({ groups }) => groups.length === 0);
  if (lacking.length > 0) return { missing: lacking.map(({ reading }) => words(reading)).join(" and no ") };
  const several = parts.find(({ reading, groups }) => reading.across === undefined && groups.length > 1);
  return several
    ? { missing: `single ${words(several.reading)}, but ${several.groups.length} lengths or tasks` }
    : null;
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

/** A reading in words: `ttft_ms of mamba2-780m at 32768 tokens`. */
export function words({ metric, model, tokens, where = {} }: Reading): string {
  const columns = Object.values(where).map(String);
  return [
    metric,
    columns.length > 0 ? `(${columns.join(", ")})` : null,
    model === undefined ? null : `of ${model}`,
    tokens === undefined ? null : `at ${tokens} tokens`,
  ]
    .filter((part) => part !== null)
    .join(" ");
}
