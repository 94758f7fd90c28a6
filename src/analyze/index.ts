export * from "./columns.js";
export { FIT_METRICS, SUMMARY_METRICS, type FitMetricName, type Form, type Weighting } from "./metrics.js";
export * from "./summarize.js";
export type { Curve } from "./curve.js";
export * from "./fit-scaling.js";
export * from "./fit-table.js";
export * from "./crossover.js";
export * from "./describe-crossover.js";
export * from "./picture.js";
