// What a notebook may name, in reading order. What loads more has a door of its own: `ssm-scope/run` measures (native
// code), `ssm-scope/models` and `ssm-scope/graph` build ONNX graphs.
export * from "./record/index.js";
export * from "./import/index.js";
export {
  blockedMedian,
  blockMedians,
  bootstrapInterval,
  effectiveSamples,
  equivalenceP,
  fiellerInterval,
  holm,
  isPrecise,
  lag1Autocorrelation,
  leastSquares,
  meanEstimate,
  meanP,
  median,
  medianInterval,
  medianRatioInterval,
  outliers,
  quantile,
  quantiles,
  randomIndex,
  signFlipP,
  sortSamples,
  welchDifference,
  type BlockedMedian,
  type BootstrapOptions,
  type LeastSquaresFit,
  type LeastSquaresOptions,
  type MeanEstimate,
  type Precision,
  type RandomIndex,
  type RobustLoss,
  type SignFlipOptions,
  type SortedSamples,
} from "./stats/index.js";
export {
  classify,
  guessTorchClass,
  importTorchTrace,
  nodeEfficiency,
  openProfile,
  OPERATOR_CLASSES,
  toPaperClass,
  why,
  type Chunks,
  type Classified,
  type NodeEfficiencyOptions,
  type NodeRow,
  type OpClass,
  type Operator,
  type PaperBreakdown,
  type PaperClass,
  type PaperFineClass,
  type ProfileFormat,
  type TorchClass,
  type TorchNode,
  type TorchProfile,
  type TraceFacts,
} from "./profile/index.js";
export * from "./analyze/index.js";
export * from "./claims/index.js";
export * from "./figures/index.js";
export * from "./notebook/index.js";
export { UserError } from "./errors.js";
