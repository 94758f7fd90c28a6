import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { DEVICES, findDevice } from "../record/devices.js";
import { randomIndex } from "../stats/index.js";
import { seriesColumns } from "./columns.js";
import {
  MEMORY_CAUSES,
  memoryModels,
  type MemoryCause,
  type MemoryModel,
  type MemoryParts,
} from "./memory-model.js";
import { required, resamplingOf, type Resampling } from "./resampling.js";
import { tableOf, type Rows } from "./rows.js";
import { runsUnderBudget, type BudgetedRun } from "./budgeted-runs.js";

/** Default of both: each is a search over the causes of every series. */
const REPLICATES = 1000;

export interface MemoryLimitOptions extends Resampling {
  /** The budget in bytes. Without it, and without `like`, each series has the budgets under which it was run. */
  memoryBytes?: number;
  /** The budget of a device of DEVICES by its name, such as rtx4090. */
  like?: string;
  /** More rows that say what ran and what did not: of kind limit, or ok and oom under a `memory_limit_bytes`. */
  truth?: Rows;
}

/**
 * `within`: at a measured length or between two. `extrapolated`: beyond. `beyond-horizon`: further than HORIZON times the
 * longest measured length, so that nothing is said but that. `does-not-fit`: not one token.
 */
export type MemoryLimitState = "within" | "extrapolated" | "beyond-horizon" | "does-not-fit";

/**
 * `agrees`: the prediction's interval meets what ran and what did not. `not-refuted`: it meets the one of them that is
 * known. `too-long`: all of it is at or beyond a length that did not run. `too-short`: all of it is below one that ran.
 */
export type Agreement = "agrees" | "not-refuted" | "too-long" | "too-short" | "untested";

/** How far beyond the longest measured length a limit is stated, as a factor. */
const HORIZON = 64;

/**
 * The longest prompt that fits into a budget: a row for each series and budget, with the series' columns and
 *
 * - `memory_limit_bytes`, the budget; `state`; `predicted_tokens` with `_lo` and `_hi`; `longest_tokens`, the longest
 *   measured length; null where the horizon hides it;
 * - what the memory goes to at the predicted length, in the columns of MEMORY_CAUSES, and `limited_by`, the cause that grew
 *   most on the way there;
 * - `ran_tokens` and `failed_tokens`, the longest length that ran within the budget and the shortest that did not, and
 *   `agreement`.
 *
 * The models are those of `memoryModels`. The interval is a percentile interval of bootstrap replicates for one more run,
 * scatter included; it covers the form's misfit at the measured lengths, not a form that changes beyond them. Rows that
 * lack `context_bytes` predict what the model asks for, which a device runs out of sooner.
 *
 * UserError without a budget, for a series with one length, and for bytes below 0 (as the paper's Falcon-H1 has).
 *
 * @example
 * memoryLimit(loadPaper("memory").filter((row) => row.prompt_tokens > 256), { truth: loadPaper("limit") });
 */
export function memoryLimit(
  given: Rows,
  { memoryBytes, like, truth, ...resampling }: MemoryLimitOptions = {},
): ColumnTable {
  const { confidence, replicates, seed } = resamplingOf(resampling, REPLICATES);
  const table = tableOf(given);
  const budget = budgetOf(memoryBytes, like);
  const random = randomIndex(seed);
  const tested = [table, ...(truth ? [tableOf(truth)] : [])];
  const rows = memoryModels(table).flatMap((model) => {
    const runs = tested.flatMap((each) => runsUnderBudget(each, model.series));
    const budgets = budget === null ? [...new Set(runs.map(({ budgetBytes }) => budgetBytes))] : [budget];
    const curves = model.resample(replicates, random);
    return budgets.map((bytes) => {
      const limits = curves?.map((curve) => longestWithin(curve, bytes, model));
      const predicted = longestWithin(model.total, bytes, model);
      const interval = limits ? ends(limits, confidence) : null;
      return { model, bytes, predicted, interval, ...compare(predicted, interval, bytes, runs) };
    });
  });
  if (rows.length === 0)
    throw new UserError(
      "no budget was given and no row names one: give memoryBytes, like, or rows with memory_limit_bytes",
    );
  return fromColumns({
    ...seriesColumns(rows.map(({ model }) => model.series)),
    memory_limit_bytes: rows.map(({ bytes }) => bytes),
    state: rows.map(({ model, predicted }) => stateOf(predicted, model)),
    predicted_tokens: rows.map(({ predicted }) => finite(predicted)),
    predicted_tokens_lo: rows.map(({ interval }) => finite(interval?.[0])),
    predicted_tokens_hi: rows.map(({ interval }) => finite(interval?.[1])),
    longest_tokens: rows.map(({ model }) => model.range[1]),
    limited_by: rows.map(({ model, predicted }) => limitedBy(model, predicted)),
    ...causeColumns(
      rows.map(({ model, predicted }) => (predicted < Infinity ? model.parts(predicted) : null)),
    ),
    ran_tokens: rows.map(({ ran }) => ran),
    failed_tokens: rows.map(({ failed }) => failed),
    agreement: rows.map(({ agreement }) => agreement),
  });
}

export interface MemoryNeededOptions extends Resampling {
  /** One length or several. */
  promptTokens: number | readonly number[];
}

/**
 * What a length takes: a row for each series and length, with the series' columns, `prompt_tokens`, `state` (within or
 * extrapolated), `needed_bytes` with `_lo` and `_hi` (as in `memoryLimit`), and what they go to in the columns of
 * MEMORY_CAUSES.
 *
 * @example
 * memoryNeeded(rows, { promptTokens: 1048576 }).select("model", "needed_bytes", "kv_cache_bytes").print();
 */
export function memoryNeeded(given: Rows, options: MemoryNeededOptions): ColumnTable {
  const { promptTokens, ...resampling } = required(options, "promptTokens");
  const { confidence, replicates, seed } = resamplingOf(resampling, REPLICATES);
  const lengths = [promptTokens].flat();
  const wrong = lengths.findIndex((length) => !(length >= 1 && length < Infinity));
  if (lengths.length === 0 || wrong >= 0)
    throw new UserError(
      `promptTokens is ${lengths.length === 0 ? "empty" : lengths[wrong]}: it must be one length or several, of 1 or more tokens`,
    );
  const random = randomIndex(seed);
  const rows = memoryModels(tableOf(given)).flatMap((model) => {
    const curves = model.resample(replicates, random);
    return lengths.map((length) => ({
      model,
      length,
      interval: curves
        ? ends(
            curves.map((curve) => curve(length)),
            confidence,
          )
        : null,
    }));
  });
  return fromColumns({
    ...seriesColumns(rows.map(({ model }) => model.series)),
    prompt_tokens: rows.map(({ length }) => length),
    state: rows.map(({ model, length }) => stateOf(length, model)),
    needed_bytes: rows.map(({ model, length }) => model.total(length)),
    needed_bytes_lo: rows.map(({ interval }) => interval?.[0] ?? null),
    needed_bytes_hi: rows.map(({ interval }) => interval?.[1] ?? null),
    ...causeColumns(rows.map(({ model, length }) => model.parts(length))),
  });
}

function budgetOf(memoryBytes: number | undefined, like: string | undefined): number | null {
  if (memoryBytes !== undefined && like !== undefined)
    throw new UserError(`the budget is given twice, as ${memoryBytes} bytes and like ${like}: give one`);
  if (like !== undefined) {
    const bytes = findDevice(like)?.memoryBytes ?? null;
    if (bytes !== null) return bytes;
    const known = Object.keys(DEVICES).filter((name) => DEVICES[name]!.memoryBytes !== null);
    throw new UserError(`like is ${like}: it must be ${known.join(" or ")}, or give memoryBytes`);
  }
  if (memoryBytes === undefined) return null;
  if (memoryBytes > 0 && memoryBytes < Infinity) return memoryBytes;
  throw new UserError(`memoryBytes is ${memoryBytes}: it must be a positive number of bytes`);
}

/** The longest whole length whose bytes are within the budget: 0 if there is none, Infinity beyond the horizon. */
function longestWithin(bytesAt: (length: number) => number, budget: number, { range }: MemoryModel): number {
  const horizon = HORIZON * range[1];
  if (bytesAt(horizon) <= budget) return Infinity;
  // Memory does not shrink with the length, so halving finds the one place where it passes the budget.
  let [fits, tooLong] = [0, horizon];
  while (tooLong - fits > 1) {
    const half = Math.floor((fits + tooLong) / 2);
    if (bytesAt(half) <= budget) fits = half;
    else tooLong = half;
  }
  return fits;
}

/** The central interval; its ends may be Infinity, so they are ordered values and nothing between two. */
function ends(values: readonly number[], confidence: number): [number, number] {
  const sorted = [...values].sort((p, q) => p - q);
  const tail = Math.floor(((1 - confidence) / 2) * (sorted.length - 1));
  return [sorted[tail]!, sorted[sorted.length - 1 - tail]!];
}

function stateOf(tokens: number, { range: [shortest, longest] }: MemoryModel): MemoryLimitState {
  if (tokens === Infinity) return "beyond-horizon";
  if (tokens === 0) return "does-not-fit";
  return tokens >= shortest && tokens <= longest ? "within" : "extrapolated";
}

/** The cause that grew most from no prompt to this one; null where none is predicted. */
function limitedBy({ parts }: MemoryModel, predicted: number): MemoryCause | null {
  if (predicted === Infinity) return null;
  if (predicted === 0) return "weights_bytes";
  const [before, at] = [parts(0), parts(predicted)];
  const growth = (cause: MemoryCause): number => at[cause] - before[cause];
  return MEMORY_CAUSES.reduce((most, cause) => (growth(cause) > growth(most) ? cause : most));
}

function compare(
  predicted: number,
  interval: readonly [number, number] | null,
  budgetBytes: number,
  runs: readonly BudgetedRun[],
): { ran: number | null; failed: number | null; agreement: Agreement } {
  // What ran in less memory runs in this much; what failed in more fails here.
  const ran = runs.flatMap((run) => (run.budgetBytes <= budgetBytes ? (run.ran ?? []) : []));
  const failed = runs.flatMap((run) => (run.budgetBytes >= budgetBytes ? (run.failed ?? []) : []));
  const longest = ran.length > 0 ? Math.max(...ran) : null;
  const shortest = failed.length > 0 ? Math.min(...failed) : null;
  return {
    ran: longest,
    failed: shortest,
    agreement: agree(interval ?? [predicted, predicted], longest, shortest),
  };
}

function agree([lo, hi]: readonly [number, number], ran: number | null, failed: number | null): Agreement {
  if (ran === null && failed === null) return "untested";
  if (failed !== null && lo >= failed) return "too-long";
  if (ran !== null && hi < ran) return "too-short";
  return ran !== null && failed !== null ? "agrees" : "not-refuted";
}

function causeColumns(all: readonly (MemoryParts | null)[]): Record<string, (number | null)[]> {
  return Object.fromEntries(
    MEMORY_CAUSES.map((cause) => [cause, all.map((parts) => (parts === null ? null : parts[cause]))]),
  );
}

const finite = (value: number | undefined): number | null =>
  value === undefined || value === Infinity ? null : value;
