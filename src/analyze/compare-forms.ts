import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { seriesColumns } from "./columns.js";
import { settingOf, type FitScalingOptions } from "./fit-options.js";
import { checkForm, type Form } from "./forms.js";
import { readSeries } from "./read-series.js";
import type { Rows } from "./rows.js";
import { selectForm, type FormScore } from "./select-form.js";

/** Which forms are compared, and how they are fitted. */
export interface CompareFormsOptions extends Omit<FitScalingOptions, "form"> {
  /** Default: all that the metric may have. */
  forms?: readonly Form[];
}

/**
 * The forms that may describe each series, a row a form: the series' columns, `form`, `break_tokens`, `exponent`,
 * `parameters`, `aicc` and its distance `delta_aicc` from the series' least, `held_out_error`, `confirmed`, `chosen`
 * and `problem`. `fitScaling(table, { metric, form: "auto" })` takes those chosen.
 *
 * @example
 * compareForms(table, { metric: "ttft_ms" }).print();
 */
export function compareForms(table: Rows, options: CompareFormsOptions): ColumnTable {
  const setting = settingOf({ ...options, form: "auto" });
  const { metric, scatter, forms } = options;
  forms?.forEach(checkForm);
  if (forms?.length === 0) throw new UserError("forms is empty: name one at least");
  const rows = readSeries(table, options, setting.weighting).flatMap(({ series, samples }) => {
    const { scores } = selectForm(samples, metric, setting, scatter, forms);
    const least = Math.min(...scores.map((score) => score.aicc ?? Infinity));
    return scores.map((score) => ({ series, score, delta: score.aicc === null ? null : score.aicc - least }));
  });
  const of = (value: (score: FormScore) => unknown): unknown[] => rows.map(({ score }) => value(score));
  return fromColumns({
    ...seriesColumns(rows.map(({ series }) => series)),
    metric: rows.map(() => metric),
    form: of(({ form }) => form),
    break_tokens: of(({ breakTokens }) => breakTokens),
    exponent: of(({ exponent }) => exponent),
    parameters: of(({ parameters }) => parameters),
    aicc: of((score) => score.aicc),
    delta_aicc: rows.map(({ delta }) => delta),
    held_out_error: of(({ heldOutError }) => heldOutError),
    confirmed: of(({ confirmed }) => confirmed),
    chosen: of(({ chosen }) => chosen),
    problem: of(({ problem }) => problem),
  });
}
