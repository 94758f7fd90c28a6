import { UserError } from "../errors.js";
import type { RobustLoss } from "../stats/index.js";
import type { SeriesColumn } from "./columns.js";
import type { EstimateOptions } from "./estimate.js";
import { checkForm, shapeKind, type Form } from "./forms.js";
import { checkFitMetric, FIT_METRICS, type FitMetricName } from "./metrics.js";
import { required } from "./resampling.js";
import type { ScatterUnit } from "./scatter.js";
import { checkWeighting, type Weighting } from "./weighting.js";

/** What is fitted and how; a metric is all that is needed. */
export interface FitScalingOptions {
  metric: FitMetricName;
  /** Default: `defaultShape`, that of the metric in FIT_METRICS but for memory with a segment. `auto` chooses among them as `compareForms` shows. */
  form?: Form | "auto";
  /** Where a step or kink begins, in tokens; by default the break is searched among the lengths measured. */
  breakAt?: number;
  /** How deviations count; FIT_METRICS gives each metric's default and says why. */
  weighting?: Weighting;
  /** Limit the pull of outliers; by default every sample counts in full. */
  robust?: RobustLoss;
  /** What the uncertainty is judged by; default `lengths`, or `samples` where a series has as many lengths as numbers to find. */
  scatter?: ScatterUnit;
  /** Columns that make a series, if not all of SERIES_COLUMNS; a series may then not mix values of the others. */
  by?: readonly SeriesColumn[];
}

export interface SkipOptions {
  /** Leave out series that cannot be fitted, if one can; by default they are refused. */
  skipShort?: boolean;
}

/** The options of an estimate, the metric's defaults where the caller says nothing. */
export function settingOf(options: FitScalingOptions): EstimateOptions {
  checkOptions(required(options, "metric"));
  return {
    weighting: options.weighting ?? FIT_METRICS[options.metric].weighting,
    robust: options.robust ?? null,
    at: options.breakAt ?? null,
  };
}

/** Refuses settings that are none of ours, for callers whose settings are text. */
function checkOptions(options: FitScalingOptions): void {
  const { metric, form, weighting, robust, breakAt, scatter } = options;
  checkFitMetric(metric);
  if (form !== undefined && form !== "auto") checkForm(form);
  if (weighting !== undefined) checkWeighting(weighting);
  if (robust !== undefined && !["huber", "tukey"].includes(robust))
    throw new UserError(`robust is ${robust}: it must be huber or tukey`);
  if (scatter !== undefined && !["lengths", "samples"].includes(scatter))
    throw new UserError(`scatter is ${scatter}: it must be lengths or samples`);
  if (breakAt !== undefined && !(breakAt > 0 && breakAt < Infinity))
    throw new UserError(`breakAt is ${breakAt}: it must be a length in tokens above 0`);
  const fixed = form ?? FIT_METRICS[metric].form;
  if (breakAt !== undefined && fixed !== "auto" && shapeKind(fixed) !== "break")
    throw new UserError(`breakAt is ${breakAt}: form ${fixed} has no break, one with +step or +kink has`);
}
