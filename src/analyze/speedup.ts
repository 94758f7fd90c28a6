import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { fiellerInterval, median, medianRatioInterval, randomIndex } from "../stats/index.js";
import { isMoreBetter } from "./better.js";
import { CELL_COLUMNS } from "./columns.js";
import { cellsOf, keyOf, onlyCell, pairColumns, selectCells, choiceLabel } from "./pairing.js";
import type { SeriesChoice } from "./pick-series.js";
import { required, resamplingOf, type Resampling } from "./resampling.js";
import { inWords, type Rows } from "./rows.js";

export interface SpeedupOptions extends Resampling {
  metric: ColumnName;
  /** What the others are compared with: a model, or values of columns such as `{ dtype: "fp32" }`. */
  baseline: SeriesChoice;
  /** `median` (default) has a bootstrap interval, `mean` Fieller's. */
  statistic?: "median" | "mean";
}

/**
 * How many times better than a baseline every other cell is: a row a cell, with its columns, `metric`, `baseline`,
 * `statistic`, `value`, `value_n`, `baseline_value`, `baseline_n`, and `speedup` with `speedup_lo` and `speedup_hi`. Above
 * 1 the cell is better: the baseline over the value for times, joules and bytes, the value over the baseline for rates.
 *
 * Compared are cells that were asked the same (device, phase, batch, prompt, new tokens, logits and length); a length
 * that the baseline lacks is left out. One sample on a side has a ratio and no interval. The interval is
 * `medianRatioInterval`'s or `fiellerInterval`'s; in both the samples of the two sides are independent.
 *
 * UserError if the baseline is not there, is several cells at one length, or shares no length with the others.
 *
 * @example
 * speedup(rows, { metric: "ttft_ms", baseline: "qwen2.5-0.5b" }).select("model", "prompt_tokens", "speedup").print();
 */
export function speedup(given: Rows, options: SpeedupOptions): ColumnTable {
  const { metric, baseline, statistic = "median" } = required(options, "metric and baseline");
  const { confidence, replicates, seed } = resamplingOf(options);
  checkStatistic(statistic);
  const cells = cellsOf(given, metric);
  const baselines = selectCells(cells, baseline);
  const paired = pairColumns([baseline]);
  const others = cells
    .filter((cell) => !baselines.includes(cell))
    .flatMap((cell) => {
      const matching = baselines.filter((base) => keyOf(base, paired) === keyOf(cell, paired));
      return matching.length === 0 ? [] : [{ cell, base: onlyCell(matching, baseline) }];
    });
  if (others.length === 0)
    throw new UserError(
      `nothing is compared with ${inWords(baseline)}: no other row with ${metric} agrees with it in ${paired.join(", ")}`,
    );

  const random = randomIndex(seed);
  const valueOf = statistic === "median" ? median : mean;
  const more = isMoreBetter(metric);
  const rows = others.map(({ cell, base }) => {
    const sides = [valueOf(base.samples), valueOf(cell.samples)] as const;
    const [above, below] = more ? [cell, base] : [base, cell];
    const few = cell.samples.length < 2 || base.samples.length < 2;
    const interval = few
      ? null
      : statistic === "median"
        ? medianRatioInterval(above.samples, below.samples, { replicates, confidence, random })
        : fiellerInterval(above.samples, below.samples, confidence);
    return {
      cell,
      value: sides[1],
      value_n: cell.samples.length,
      baseline_value: sides[0],
      baseline_n: base.samples.length,
      speedup: ratio(more ? sides[1] : sides[0], more ? sides[0] : sides[1]),
      speedup_lo: interval?.[0] ?? null,
      speedup_hi: interval?.[1] ?? null,
    };
  });
  const cellColumns = CELL_COLUMNS.filter((name) => others.some(({ cell }) => cell.key[name] != null));
  const column = <Name extends keyof (typeof rows)[number]>(name: Name) => rows.map((row) => row[name]);
  return fromColumns({
    ...Object.fromEntries(cellColumns.map((name) => [name, rows.map(({ cell }) => cell.key[name] ?? null)])),
    metric: rows.map(() => metric),
    baseline: rows.map(() => choiceLabel(baseline)),
    statistic: rows.map(() => statistic),
    value: column("value"),
    value_n: column("value_n"),
    baseline_value: column("baseline_value"),
    baseline_n: column("baseline_n"),
    speedup: column("speedup"),
    speedup_lo: column("speedup_lo"),
    speedup_hi: column("speedup_hi"),
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** null where nothing is divided by: a cache of 0 bytes is better without measure. */
const ratio = (above: number, below: number): number | null => (below === 0 ? null : above / below);

/** Refuses what a caller without types may give. */
function checkStatistic(statistic: string): void {
  if (statistic !== "median" && statistic !== "mean")
    throw new UserError(`statistic is ${statistic}: it must be median or mean`);
}
