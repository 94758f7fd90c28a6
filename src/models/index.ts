export {
  REGISTRY,
  findModel,
  modelNames,
  buildModel,
  lowerings,
  maxPositions,
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
  QuantizedLinears,
  WeightSpec,
} from "./decoder.js";
export { SSD_CHUNK } from "./blocks/ssd.js";
export { weightBytes } from "./weight-bytes.js";
export { registryRows } from "./registry-rows.js";
export { RandomWeights, fromBits, toBits, type WeightBits } from "./weights.js";
export {
  dequantizeRows,
  quantizeRows,
  quantizeWeight,
  storedTensors,
  type Quantization,
} from "./quantize.js";
export { randomPrompt } from "./prompt.js";
export { cost, memoryOf, roofline, type Ceilings, type Cost, type Roofline, type Work } from "./cost.js";
export { closest } from "./nearest.js";
