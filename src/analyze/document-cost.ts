import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { percentileInterval, randomIndex, type RandomIndex } from "../stats/index.js";
import { isSameRun } from "./budgeted-runs.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import { fitScaling, type ScalingFit } from "./fit-scaling.js";
import type { FitMetricName } from "./metrics.js";
import { required, resamplingOf, type Resampling } from "./resampling.js";
import { columnValues, countedRows, droppedInWords, tableOf, type Rows } from "./rows.js";
import { seriesLabel } from "./series-label.js";

export interface DocumentCostOptions extends Resampling {
  /** Length of the document. */
  promptTokens: number;
  /** Tokens generated after it, the first one included; default 1, which is reading alone. */
  newTokens?: number;
}

/** Something in milliseconds or joules, and its replicates; null where the fit has no sample to spare. */
interface Amount {
  value: number;
  replicates: number[] | null;
}

interface Cost {
  read: Amount | null;
  generate: Amount | null;
  total: Amount | null;
}

/**
 * What a document costs each model: a row for each series, its columns and `prompt_tokens`, `new_tokens`, then
 *
 * - `prefill_ms`, `decode_ms` and `e2e_ms`, their sum, which has `_lo` and `_hi`;
 * - `prefill_j`, `decode_j` and `energy_j` with `_lo` and `_hi`, where the energy of those phases was measured;
 * - `state`: `within` the measured lengths, or `extrapolated`.
 *
 * Reading is the scaling fit of TTFT (energy of phase prefill) at the length. Generating M tokens after N is M − 1 steps at
 * the mean of their depths. A measured step stands for a depth too: prompt_tokens plus half of that run's new_tokens, by
 * which the fit of TPOT (energy of phase decode, a step's share) is shifted; exact where a step's cost is a line in the depth.
 * Energy of whole generations (phase both) says nothing of other numbers of new tokens; it counts where they are equal.
 * A batch is one pass: its cost is that of all its documents together.
 *
 * Fits are resampled each on its own; the interval is of the expected cost, not of a single run. UserError for lengths that
 * make no sense, and for a table with neither a time nor an energy.
 *
 * @example
 * documentCost(rows, { promptTokens: 100_000, newTokens: 500 }).select("model", "e2e_ms", "energy_j").print();
 */
export function documentCost(given: Rows, options: DocumentCostOptions): ColumnTable {
  const { promptTokens, newTokens = 1 } = required(options, "promptTokens");
  const { confidence, replicates, seed } = resamplingOf(options);
  for (const [name, value] of Object.entries({ promptTokens, newTokens }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new UserError(`${name} is ${value}: it must be a whole number of tokens of 1 or more`);
  const table = tableOf(given);
  const fits = (metric: FitMetricName): ScalingFit[] =>
    has(table, metric) ? fitScaling(table, { metric }) : [];
  const [ttfts, tpots, energies] = [fits("ttft_ms"), fits("tpot_ms"), fits("energy_j")];
  if (ttfts.length + energies.length === 0)
    throw new UserError(
      `no row has ttft_ms or energy_j: a document's cost needs one of them${droppedInWords(table)}`,
    );

  const random = randomIndex(seed);
  const asked = { promptTokens, newTokens, replicates, random };
  const rows = seriesOf(ttfts, energies).map((series) => {
    const time = timeOf(series, ttfts, tpots, asked);
    const energy = energyOf(series, energies, asked);
    const used = [...ttfts, ...energies].filter((fit) => isSameRun(fit.series, series));
    return {
      series,
      time,
      energy,
      isWithin: used.every(({ range: [from, to] }) => promptTokens >= from && promptTokens <= to),
    };
  });
  const named = SERIES_COLUMNS.filter(
    (name) => name !== "new_tokens" && rows.some(({ series }) => series[name] !== undefined),
  );
  const interval = ({ total }: Cost, end: 0 | 1): number | null =>
    total?.replicates ? percentileInterval(total.replicates, confidence)[end] : null;
  return fromColumns({
    ...Object.fromEntries(named.map((name) => [name, rows.map(({ series }) => series[name] ?? null)])),
    prompt_tokens: rows.map(() => promptTokens),
    new_tokens: rows.map(() => newTokens),
    state: rows.map(({ isWithin }) => (isWithin ? "within" : "extrapolated")),
    prefill_ms: rows.map(({ time }) => time.read?.value ?? null),
    decode_ms: rows.map(({ time }) => time.generate?.value ?? null),
    e2e_ms: rows.map(({ time }) => time.total?.value ?? null),
    e2e_ms_lo: rows.map(({ time }) => interval(time, 0)),
    e2e_ms_hi: rows.map(({ time }) => interval(time, 1)),
    prefill_j: rows.map(({ energy }) => energy.read?.value ?? null),
    decode_j: rows.map(({ energy }) => energy.generate?.value ?? null),
    energy_j: rows.map(({ energy }) => energy.total?.value ?? null),
    energy_j_lo: rows.map(({ energy }) => interval(energy, 0)),
    energy_j_hi: rows.map(({ energy }) => interval(energy, 1)),
  });
}

interface Asked {
  promptTokens: number;
  newTokens: number;
  replicates: number;
  random: RandomIndex;
}

/** The series that were timed, then those of which only the energy is known. */
function seriesOf(ttfts: readonly ScalingFit[], energies: readonly ScalingFit[]): Series[] {
  const found = ttfts.map(({ series }) => series);
  for (const { series } of energies) if (!found.some((other) => isSameRun(other, series))) found.push(series);
  return found;
}

function timeOf(
  series: Series,
  ttfts: readonly ScalingFit[],
  tpots: readonly ScalingFit[],
  asked: Asked,
): Cost {
  const ttft = onlyFit(ttfts.filter((fit) => fit.series === series));
  const tpot = onlyFit(tpots.filter((fit) => JSON.stringify(fit.series) === JSON.stringify(series)));
  const read = ttft && amountAt(ttft, asked.promptTokens, 1, asked);
  return withTotal(read, generating(tpot, 1, asked), asked);
}

function energyOf(series: Series, energies: readonly ScalingFit[], asked: Asked): Cost {
  const of = (phase: string): ScalingFit | null =>
    onlyFit(
      energies.filter((fit) => isSameRun(fit.series, series) && (fit.series.phase ?? "both") === phase),
    );
  const [prefill, decode, both] = [of("prefill"), of("decode"), of("both")];
  const read = prefill && amountAt(prefill, asked.promptTokens, 1, asked);
  const steps = (decode?.series.new_tokens ?? 1) - 1;
  const cost = withTotal(read, steps > 0 ? generating(decode, steps, asked) : nothingBut(asked), asked);
  if (cost.total === null && both && both.series.new_tokens === asked.newTokens)
    return { ...cost, total: amountAt(both, asked.promptTokens, 1, asked) };
  return cost;
}

/** What the new tokens after the first cost, by a fit of `steps` steps; nothing where there are none. */
function generating(fit: ScalingFit | null, steps: number, asked: Asked): Amount | null {
  const { promptTokens, newTokens } = asked;
  if (newTokens === 1 || fit === null) return nothingBut(asked);
  const shift = (newTokens - (fit.series.new_tokens ?? newTokens)) / 2;
  return amountAt(fit, Math.max(1, promptTokens + shift), (newTokens - 1) / steps, asked);
}

/** No token after the first costs nothing; of more nothing is known. */
function nothingBut({ newTokens, replicates }: Asked): Amount | null {
  return newTokens === 1 ? { value: 0, replicates: new Array<number>(replicates).fill(0) } : null;
}

function amountAt(fit: ScalingFit, length: number, times: number, { replicates, random }: Asked): Amount {
  return {
    value: times * fit.predict(length),
    replicates:
      fit.scatter !== null ? fit.resample(replicates, random).map((curve) => times * curve.at(length)) : null,
  };
}

function withTotal(read: Amount | null, generate: Amount | null, { newTokens, replicates }: Asked): Cost {
  // Of what was not read it is not known that generating nothing costs nothing.
  if (read === null && newTokens === 1) return { read, generate: null, total: null };
  if (read === null || generate === null) return { read, generate, total: null };
  const [of, after] = [read.replicates, generate.replicates];
  return {
    read,
    generate,
    total: {
      value: read.value + generate.value,
      replicates: of && after && Array.from({ length: replicates }, (_, k) => of[k]! + after[k]!),
    },
  };
}

function onlyFit(fits: readonly ScalingFit[]): ScalingFit | null {
  const [first, second] = fits;
  if (first && second)
    throw new UserError(
      `${seriesLabel(first.series)} has more than one series of ${first.metric} that may be meant: filter the table to one`,
    );
  return first ?? null;
}

/** Whether a row that counts has the metric. */
function has(table: ColumnTable, metric: FitMetricName): boolean {
  const values = columnValues(table, metric);
  return countedRows(table).counted.some((row) => values[row] != null);
}
