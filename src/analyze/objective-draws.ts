import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { median, medianReplicates, type RandomIndex } from "../stats/index.js";
import { fitScaling } from "./fit-scaling.js";
import type { FitMetricName } from "./metrics.js";
import {
  allRows,
  columnValues,
  groupRows,
  inWords,
  measuredRows,
  metricValues,
  refuseMixedKinds,
} from "./rows.js";

/** A value with its replicates; without samples to spare all replicates are the value. */
export interface Drawn {
  value: number;
  replicates: readonly number[];
  /** Whether the replicates say anything. */
  isSpread: boolean;
}

/** What a choice, told by its settings, has of a metric. */
export interface Reading {
  key: Record<string, unknown>;
  drawn: Drawn;
}

/** Where metrics are read, which columns tell choices apart, and how they are resampled. */
export interface DrawSettings {
  promptTokens: number;
  used: readonly ColumnName[];
  replicates: number;
  random: RandomIndex;
}

/** Medians of the samples at the length. */
export function drawSamples(
  table: ColumnTable,
  metric: FitMetricName,
  { promptTokens, used, replicates, random }: DrawSettings,
): Reading[] {
  const measured = measuredRows(table, metric);
  const lengths = columnValues(table, "prompt_tokens");
  const rows = measured.filter((row) => lengths[row] === promptTokens);
  if (rows.length === 0) {
    const known = [...new Set(measured.map((row) => lengths[row] as number))].sort((p, q) => p - q);
    throw new UserError(
      `no ${metric} was measured at ${promptTokens} tokens, but at ${known.join(", ")}: name one of these, or take values: "fits"`,
    );
  }
  refuseMixedKinds(table, rows);
  return groupRows(table, used, rows).map((group) => {
    const samples = metricValues(table, metric, group.rows) as number[];
    const value = median(samples);
    return {
      key: group.key,
      drawn: drawnOf(
        value,
        replicates,
        samples.length > 1 && medianReplicates(samples, { replicates, random }),
      ),
    };
  });
}

/** Predictions of the fits at the length. */
export function drawFits(
  table: ColumnTable,
  metric: FitMetricName,
  { promptTokens, used, replicates, random }: DrawSettings,
): Reading[] {
  const readings = fitScaling(table, { metric }).map((fit): Reading => {
    const series: Record<string, unknown> = fit.series;
    const key = Object.fromEntries(used.map((name) => [name, series[name] ?? null]));
    const value = fit.predict(promptTokens);
    const curves = fit.scatter !== null && fit.resample(replicates, random);
    return {
      key,
      drawn: drawnOf(value, replicates, curves && curves.map((curve) => curve.at(promptTokens))),
    };
  });
  const twice = readings.find(({ key }, i) =>
    readings.slice(0, i).some((other) => JSON.stringify(other.key) === JSON.stringify(key)),
  );
  if (twice)
    throw new UserError(
      `${inWords(twice.key)} has more than one series of ${metric}: filter the table to one, or the settings to what is compared`,
    );
  return readings;
}

/** A value that does not vary has itself for every replicate. */
function drawnOf(value: number, count: number, replicates: readonly number[] | null | false): Drawn {
  return replicates
    ? { value, replicates, isSpread: true }
    : { value, replicates: new Array<number>(count).fill(value), isSpread: false };
}

/** The mean score of each model over the tasks that all of them have that have any; one task a model may go unnamed. */
export function drawScores(
  accuracy: ColumnTable,
  models: readonly unknown[],
  { replicates, random }: DrawSettings,
): Map<unknown, Drawn> {
  const missing = ["model", "accuracy_pct"].filter((name) => accuracy.column(name) === undefined);
  if (missing.length > 0)
    throw new UserError(
      `the accuracy table has no column ${missing.join(", ")}: it needs model and accuracy_pct`,
    );
  const [names, tasks] = [columnValues(accuracy, "model"), columnValues(accuracy, "task")];
  const scores = metricValues(accuracy, "accuracy_pct", allRows(accuracy));
  const byModel = new Map<unknown, Map<unknown, number>>();
  scores.forEach((score, row) => {
    if (score === null || !models.includes(names[row])) return;
    const ofModel = byModel.get(names[row]) ?? new Map<unknown, number>();
    byModel.set(names[row], ofModel);
    const task = tasks[row] ?? null;
    if (ofModel.has(task))
      throw new UserError(
        `${inWords(names[row])} has two scores of task ${inWords(task)}: the table needs one each`,
      );
    ofModel.set(task, score);
  });
  const common = [...([...byModel.values()][0]?.keys() ?? [])].filter((task) =>
    [...byModel.values()].every((ofModel) => ofModel.has(task)),
  );
  if (byModel.size > 0 && common.length === 0)
    throw new UserError("the compared models have no task in common: their scores do not compare");

  const mean = (ofModel: Map<unknown, number>, picked: readonly unknown[]): number =>
    picked.reduce<number>((sum, task) => sum + ofModel.get(task)!, 0) / picked.length;
  const drawn = Array.from({ length: replicates }, () => common.map(() => common[random(common.length)]!));
  return new Map(
    [...byModel].map(([model, ofModel]) => [
      model,
      {
        value: mean(ofModel, common),
        isSpread: common.length > 1,
        replicates: drawn.map((picked) => mean(ofModel, picked)),
      },
    ]),
  );
}
