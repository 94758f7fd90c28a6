import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { median, medianRatio, percentileInterval, randomIndex, type RandomIndex } from "../stats/index.js";
import { isMoreBetter } from "./better.js";
import { cellsOf, keyOf, onlyCell, pairColumns, selectCells, choiceLabel, type Cell } from "./pairing.js";
import type { SeriesChoice } from "./pick-series.js";
import { required, resamplingOf, type Resampling } from "./resampling.js";
import { inWords, type Rows } from "./rows.js";

export interface BreakEvenOptions extends Resampling {
  /** Of which it is asked from which batch on it is better. */
  a: SeriesChoice;
  /** What it is compared with. */
  b: SeriesChoice;
  /** Default tpot_ms. */
  metric?: ColumnName;
}

/** `every-batch`: a is better at all of them. `from-batch`: from one on. `no-batch`: not at the largest. */
export type BreakEvenState = "every-batch" | "from-batch" | "no-batch" | "not-separable";

/** Both sides at one batch: the logarithm of how many times better a is, above 0 where it is. */
interface AtBatch {
  batch: number;
  advantage: number;
  replicates: number[];
  interval: readonly [number, number];
}

/**
 * From which batch on a is better than b: a row for each setting (length, device, ...) that both were asked. At equal batch
 * and length the times per token are as the times per step, so any metric of a pass can be compared.
 *
 * Columns: those of the setting, then `metric`, `a`, `b`, `state`, `batch_before` and `batch_from` (the break-even lies
 * above the first and at or below the second: measured batches; a is better, by the interval of `medianRatio`, at
 * `batch_from` and at every larger one), `break_even_batch` with `_lo` and `_hi` (where the ratio, a line between measured
 * batches on logarithmic axes, passes 1 for good; percentile interval over the replicates), and `batches`, how many were
 * compared. `not-separable`: at the largest batch the interval holds 1.
 *
 * UserError for a setting with fewer than two batches in common, or with one sample at a batch: without a second there is
 * no interval.
 *
 * @example
 * breakEvenBatch(rows, { a: "mamba2-780m", b: "qwen2.5-0.5b" }).print();
 */
export function breakEvenBatch(given: Rows, options: BreakEvenOptions): ColumnTable {
  const { a, b, metric = "tpot_ms" } = required(options, "a and b");
  const { confidence, replicates, seed } = resamplingOf(options);
  const cells = cellsOf(given, metric);
  const [ofA, ofB] = [selectCells(cells, a), selectCells(cells, b)];
  const paired = pairColumns([a, b], ["batch"]);
  const settings = [...new Set(ofA.map((cell) => keyOf(cell, paired)))].filter((key) =>
    ofB.some((cell) => keyOf(cell, paired) === key),
  );
  if (settings.length === 0)
    throw new UserError(
      `${inWords(a)} and ${inWords(b)} are not compared: no rows of both agree in ${paired.join(", ")}`,
    );

  const random = randomIndex(seed);
  const rows = settings.map((setting) => {
    const inSetting = (side: readonly Cell[]): Cell[] =>
      side.filter((cell) => keyOf(cell, paired) === setting);
    const pairs = commonBatches(inSetting(ofA), inSetting(ofB), [a, b]);
    const compared = pairs.map((pair) =>
      compare(pair, isMoreBetter(metric), { replicates, confidence, random }),
    );
    return {
      key: pairs[0]!.a.key,
      batches: compared.length,
      ...decide(compared, confidence),
    };
  });
  const shown = paired.filter((name) => rows.some(({ key }) => key[name] != null));
  return fromColumns({
    ...Object.fromEntries(shown.map((name) => [name, rows.map(({ key }) => key[name] ?? null)])),
    metric: rows.map(() => metric),
    a: rows.map(() => choiceLabel(a)),
    b: rows.map(() => choiceLabel(b)),
    state: rows.map(({ state }) => state),
    batch_before: rows.map(({ before }) => before),
    batch_from: rows.map(({ from }) => from),
    break_even_batch: rows.map(({ at }) => at),
    break_even_batch_lo: rows.map(({ interval }) => interval?.[0] ?? null),
    break_even_batch_hi: rows.map(({ interval }) => interval?.[1] ?? null),
    batches: rows.map(({ batches }) => batches),
  });
}

interface Pair {
  batch: number;
  a: Cell;
  b: Cell;
}

/** Both cells at every batch that both have, in ascending order. */
function commonBatches(
  ofA: readonly Cell[],
  ofB: readonly Cell[],
  [a, b]: readonly [SeriesChoice, SeriesChoice],
): Pair[] {
  const batchOf = ({ key }: Cell): unknown => key["batch"] ?? 1;
  const common = [...new Set(ofA.map(batchOf))].filter((batch) =>
    ofB.some((cell) => batchOf(cell) === batch),
  );
  const at = (side: readonly Cell[], batch: unknown, choice: SeriesChoice): Cell =>
    onlyCell(
      side.filter((cell) => batchOf(cell) === batch),
      choice,
    );
  const pairs = common
    .map((batch): Pair => ({ batch: batch as number, a: at(ofA, batch, a), b: at(ofB, batch, b) }))
    .sort((p, q) => p.batch - q.batch);
  if (pairs.length < 2)
    throw new UserError(
      `${inWords(a)} and ${inWords(b)} were both measured at ${pairs.length} batch(es): a break-even batch needs at least two`,
    );
  const single = pairs.find((pair) => pair.a.samples.length < 2 || pair.b.samples.length < 2);
  if (single)
    throw new UserError(
      `at batch ${single.batch} there are ${single.a.samples.length} sample(s) of ${inWords(a)} and ` +
        `${single.b.samples.length} of ${inWords(b)}: an interval needs at least two of each`,
    );
  return pairs;
}

function compare(
  { batch, a, b }: Pair,
  more: boolean,
  { replicates, confidence, random }: { replicates: number; confidence: number; random: RandomIndex },
): AtBatch {
  const [above, below] = more ? [a.samples, b.samples] : [b.samples, a.samples];
  const ratio = medianRatio(above, below, { replicates, confidence, random });
  const advantage = Math.log(median(above) / median(below));
  const drawn = ratio?.replicates.map(Math.log);
  if (!ratio || !drawn?.every(Number.isFinite))
    throw new UserError(`at batch ${batch} a sample is 0: a ratio needs values above 0`);
  const [lo, hi] = ratio.interval;
  return { batch, advantage, replicates: drawn, interval: [Math.log(lo), Math.log(hi)] };
}

interface Decision {
  state: BreakEvenState;
  before: number | null;
  from: number | null;
  at: number | null;
  interval: [number, number] | null;
}

function decide(compared: readonly AtBatch[], confidence: number): Decision {
  const nowhere = { before: null, from: null, at: null, interval: null };
  const largest = compared[compared.length - 1]!;
  if (largest.interval[1] < 0) return { state: "no-batch", ...nowhere };
  const lastUnclear = compared.findLastIndex(({ interval }) => !(interval[0] > 0));
  if (lastUnclear === compared.length - 1) return { state: "not-separable", ...nowhere };
  const from = compared[lastUnclear + 1]!.batch;
  if (lastUnclear < 0) return { state: "every-batch", ...nowhere, from };

  // Between the last batch where b is better for sure and the first from which on a is, neither is.
  const lastWorse = compared.findLastIndex(({ interval }) => interval[1] < 0);
  const before = compared[lastWorse]?.batch ?? null;
  const batches = compared.map(({ batch }) => batch);
  const drawn = largest.replicates.flatMap(
    (_, i) =>
      passesOne(
        batches,
        compared.map(({ replicates }) => replicates[i]!),
      ) ?? [],
  );
  const certain = drawn.length >= confidence * largest.replicates.length;
  return {
    state: "from-batch",
    before,
    from,
    at: certain
      ? passesOne(
          batches,
          compared.map(({ advantage }) => advantage),
        )
      : null,
    interval: certain ? percentileInterval(drawn, confidence) : null,
  };
}

/** The batch where the advantage rises above 0 for good; null where it is above 0 throughout, or not at the end. */
function passesOne(batches: readonly number[], advantages: readonly number[]): number | null {
  const last = advantages.findLastIndex((advantage) => advantage <= 0);
  if (last < 0 || last === advantages.length - 1) return null;
  const [low, high] = [advantages[last]!, advantages[last + 1]!];
  const [below, above] = [batches[last]!, batches[last + 1]!];
  return below * (above / below) ** (-low / (high - low));
}
