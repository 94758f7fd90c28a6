export {
  REGISTRY,
  findModel,
  modelNames,
  buildModel,
  lowerings,
  maxPositions,
  prefixTokens,
  countParameters,
  type Model,
  type Family,
} from "./registry.js";
export type {
  BuildOptions,
  CacheSpec,
  CacheRole,
  Lowering,
  ModelGraph,
  ParameterSpec,
  Part,
  Transform,
  QuantizedLinears,
  WeightSpec,
} from "./decoder.js";
export { modelFromConfig, differenceOf } from "./config-json.js";
export { tensorsOf } from "./tensors.js";
export { greedyGraph } from "./greedy-graph.js";
export { SSD_CHUNK } from "./blocks/ssd.js";
export { weightBytes } from "./weight-bytes.js";
export { registryRows, modelRow } from "./registry-rows.js";
export { RandomWeights, fillParts, fromBits, toBits, type WeightBits } from "./weights.js";
export {
  dequantizeRows,
  quantizeRows,
  quantizeWeight,
  storedTensors,
  type Quantization,
} from "./quantize.js";
export { randomPrompt, withPrefix } from "./prompt.js";
export {
  CHEAPEST_CHUNK,
  cost,
  memoryOf,
  roofline,
  type Ceilings,
  type Cost,
  type Roofline,
  type Work,
} from "./cost.js";
export { closest } from "./nearest.js";
