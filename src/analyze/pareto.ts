import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { loadPaper } from "../record/load.js";
import { percentileInterval, randomIndex } from "../stats/index.js";
import { isMoreBetter } from "./better.js";
import { RUN_COLUMNS } from "./columns.js";
import { FIT_METRICS, type FitMetricName } from "./metrics.js";
import { drawFits, drawSamples, drawScores, type Drawn, type Reading } from "./objective-draws.js";
import { required, resamplingOf, type Resampling } from "./resampling.js";
import { columnValues, presentColumns, tableOf, type Rows } from "./rows.js";

/** What a front may weigh: any fitted metric, and the mean score of a model's tasks. */
export type ParetoObjective = FitMetricName | "accuracy_pct";

export interface ParetoOptions extends Resampling {
  /** Two or more; of accuracy_pct more is better, of the others less. */
  objectives: readonly ParetoObjective[];
  /** The length at which the metrics are compared. */
  promptTokens: number;
  /**
   * `samples` (default): the median of the samples at that length. `fits`: what the scaling fit says there, for lengths that
   * were not measured or have one sample.
   */
  values?: "samples" | "fits";
  /** Rows with `model`, `accuracy_pct` and, for several scores of a model, `task`; default the paper's. */
  accuracy?: Rows;
}

/**
 * Which models are worth choosing: a row for each model and setting, with `on_front`, whether no other is at least as good
 * in every objective and better in one, and `front_probability`, the share of bootstrap replicates in which that is so.
 * Each objective has its value, `_lo` and `_hi`; `dominated_by` names who is better, `taken_as_exact` the objectives of which
 * the choice has a single value, `missing` those of which it has none, which keep it out of the comparison.
 *
 * Each metric is resampled on its own, as its interval is: samples at the length, or the scaling fit. Scores are means over
 * the tasks that all compared models have, and the tasks are resampled, the same for all: the question is asked of
 * tasks like these. Without a second sample or task a value does not vary: its interval is null, and the probability takes
 * it as exact, its own and everyone's; where none varies the probability is null.
 *
 * UserError for fewer than two objectives, a length without samples, several devices, and rows of several kinds.
 *
 * @example
 * paretoFront(rows, { objectives: ["accuracy_pct", "ttft_ms"], promptTokens: 57344 }).print();
 */
export function paretoFront(given: Rows, options: ParetoOptions): ColumnTable {
  const {
    objectives,
    promptTokens,
    values = "samples",
    accuracy,
  } = required(options, "objectives and promptTokens");
  const { confidence, replicates, seed } = resamplingOf(options);
  const metrics = checkAsked(objectives, promptTokens, values);
  const table = tableOf(given);
  refuseDevices(table);

  const random = randomIndex(seed);
  const used = presentColumns(table, RUN_COLUMNS);
  const at = { promptTokens, used, replicates, random };
  const read = values === "samples" ? drawSamples : drawFits;
  const choices = gatherChoices(metrics.map((metric) => [metric, read(table, metric, at)]));
  if (objectives.includes("accuracy_pct")) {
    const models = choices.map(({ key }) => key["model"]);
    const scores = drawScores(accuracy ? tableOf(accuracy) : loadPaper("accuracy"), models, at);
    for (const { key, drawn } of choices) {
      const score = scores.get(key["model"]);
      if (score) drawn.set("accuracy_pct", score);
    }
  }
  const missing = ({ drawn }: Choice): string[] => objectives.filter((objective) => !drawn.has(objective));
  const whole = choices.filter((choice) => missing(choice).length === 0);
  if (whole.length < 2) {
    const lacking = choices
      .filter((choice) => missing(choice).length > 0)
      .map((choice) => `; ${nameOf(choice, choices)} lacks ${missing(choice).join(", ")}`);
    throw new UserError(
      `${whole.length} choice(s) have all of ${objectives.join(", ")} at ${promptTokens} tokens, and a front needs at ` +
        `least two${lacking.join("")}`,
    );
  }
  const places = placesOf(whole, objectives, replicates);

  const shown = used.filter((name) => choices.some(({ key }) => key[name] != null));
  const interval = (drawn: Drawn | undefined, end: 0 | 1): number | null =>
    drawn?.isSpread ? percentileInterval(drawn.replicates, confidence)[end] : null;
  return fromColumns({
    ...Object.fromEntries(shown.map((name) => [name, choices.map(({ key }) => key[name] ?? null)])),
    prompt_tokens: choices.map(() => promptTokens),
    ...Object.fromEntries(
      objectives.flatMap((objective) => [
        [objective, choices.map(({ drawn }) => drawn.get(objective)?.value ?? null)],
        [`${objective}_lo`, choices.map(({ drawn }) => interval(drawn.get(objective), 0))],
        [`${objective}_hi`, choices.map(({ drawn }) => interval(drawn.get(objective), 1))],
      ]),
    ),
    on_front: choices.map((choice) => places.get(choice)?.isOnFront ?? null),
    front_probability: choices.map((choice) => places.get(choice)?.probability ?? null),
    dominated_by: choices.map((choice) => inOne(places.get(choice)?.dominatedBy ?? [])),
    taken_as_exact: choices.map(({ drawn }) =>
      inOne(objectives.filter((objective) => drawn.get(objective)?.isSpread === false)),
    ),
    missing: choices.map((choice) => inOne(missing(choice))),
  });
}

/** Names as one cell; null for none. */
const inOne = (names: readonly string[]): string | null => (names.length > 0 ? names.join(", ") : null);

/** A model with its settings, and what is known of it. */
interface Choice {
  key: Record<string, unknown>;
  drawn: Map<ParetoObjective, Drawn>;
}

function gatherChoices(readings: readonly (readonly [ParetoObjective, readonly Reading[]])[]): Choice[] {
  const choices = new Map<string, Choice>();
  for (const [objective, ofObjective] of readings)
    for (const { key, drawn } of ofObjective) {
      const id = JSON.stringify(key);
      const choice = choices.get(id) ?? { key, drawn: new Map<ParetoObjective, Drawn>() };
      choices.set(id, choice);
      choice.drawn.set(objective, drawn);
    }
  return [...choices.values()];
}

interface Place {
  isOnFront: boolean;
  /** null where nothing varies. */
  probability: number | null;
  dominatedBy: string[];
}

/** Where each choice stands, by the values and over the replicates. */
function placesOf(
  choices: readonly Choice[],
  objectives: readonly ParetoObjective[],
  replicates: number,
): Map<Choice, Place> {
  const drawn = choices.map((choice) => objectives.map((objective) => choice.drawn.get(objective)!));
  const signs = objectives.map((objective) => (isMoreBetter(objective) ? -1 : 1));
  const costs = (read: (drawn: Drawn) => number): number[][] =>
    drawn.map((each) => each.map((one, j) => signs[j]! * read(one)));
  const counts = choices.map(() => 0);
  for (let k = 0; k < replicates; k++) {
    const resampled = costs((one) => one.replicates[k]!);
    choices.forEach((_, i) => {
      if (dominators(resampled, i).length === 0) counts[i]!++;
    });
  }
  const isVaried = drawn.flat().some(({ isSpread }) => isSpread);
  const found = costs(({ value }) => value);
  return new Map(
    choices.map((choice, i) => {
      const dominatedBy = dominators(found, i).map((j) => nameOf(choices[j]!, choices));
      const probability = isVaried ? counts[i]! / replicates : null;
      return [choice, { isOnFront: dominatedBy.length === 0, probability, dominatedBy }];
    }),
  );
}

/** Who is at least as good as one in every objective and better in one; all objectives as costs. */
function dominators(costs: readonly (readonly number[])[], of: number): number[] {
  const own = costs[of]!;
  return costs.flatMap((other, i) =>
    other.every((cost, j) => cost <= own[j]!) && other.some((cost, j) => cost < own[j]!) ? [i] : [],
  );
}

/** A choice by its model, with the settings in which choices of that model differ. */
function nameOf({ key }: Choice, all: readonly Choice[]): string {
  const same = all.filter((other) => other.key["model"] === key["model"]);
  const differing = Object.keys(key).filter((name) => same.some((other) => other.key[name] !== key[name]));
  const settings = differing.map((name) => String(key[name]));
  return `${String(key["model"])}${settings.length > 0 ? ` (${settings.join(", ")})` : ""}`;
}

/** The metrics among the objectives; UserError for what makes no front. */
function checkAsked(
  objectives: readonly ParetoObjective[] | undefined,
  promptTokens: number,
  values: string,
): FitMetricName[] {
  const different = new Set(objectives ?? []);
  if (different.size < 2 || different.size < objectives!.length)
    throw new UserError(
      `objectives are ${objectives?.join(", ") || "none"}: a front needs two different ones or more`,
    );
  const known = ["accuracy_pct", ...Object.keys(FIT_METRICS)];
  const unknown = objectives!.find((objective) => !known.includes(objective));
  if (unknown !== undefined)
    throw new UserError(`an objective is ${unknown}: it must be one of ${known.join(", ")}`);
  if (!(promptTokens > 0 && promptTokens < Infinity))
    throw new UserError(`promptTokens is ${promptTokens}: it must be a length of 1 token or more`);
  if (values !== "samples" && values !== "fits")
    throw new UserError(`values is ${values}: it must be samples or fits`);
  return objectives!.filter((objective) => objective !== "accuracy_pct");
}

function refuseDevices(table: ColumnTable): void {
  const devices = new Set(columnValues(table, "device").filter((device) => typeof device === "string"));
  if (devices.size > 1)
    throw new UserError(
      `the rows are of ${devices.size} devices (${[...devices].join(", ")}): filter the table to one`,
    );
}
