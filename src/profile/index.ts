export {
  CLASSIFIER_VERSION,
  classify,
  layerOf,
  OPERATOR_CLASSES,
  toPaperClass,
  why,
  type Classified,
  type OpClass,
  type Operator,
  type PaperBreakdown,
} from "./classes.js";
export { readTraceEvents, type Chunks, type TraceEvent } from "./trace-events.js";
export {
  readProfile,
  type NodeEvent,
  type NodeTotals,
  type OrtProfile,
  type ReadProfileOptions,
} from "./read-profile.js";
export {
  MOST_UNCLASSIFIED_PCT,
  SUM_TOLERANCE_PCT,
  summarizeProfile,
  type ClassTotals,
  type Passes,
  type ProfileSummary,
  type SumCheck,
} from "./summarize.js";
export { withPackedWeights } from "./packed-weights.js";
export { bytesOfTensors, showTensors, type TensorShape } from "./tensor-types.js";
export { nodeRows, plainTable, type NodeRow } from "./node-table.js";
export { TraceWriter } from "./trace.js";
export {
  guessTorchClass,
  PYTORCH_CLASSES_VERSION,
  threeClass,
  TORCH_OPERATORS,
  torchClass,
  type PaperClass,
  type PaperFineClass,
  type TorchClass,
} from "./pytorch-classes.js";
export { openProfile, type ProfileFormat } from "./open-profile.js";
export { importTorchTrace } from "./import-torch.js";
export type { TorchNode, TorchProfile, TraceFacts } from "./torch-trace.js";
export { nodeWork, type NodeWork, type SeenTokens, type WorkingNode } from "./node-work.js";
export { nodeEfficiency, type NodeEfficiencyOptions } from "./node-efficiency.js";
