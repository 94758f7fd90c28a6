export { run, InterruptedError, type RunOptions } from "./run.js";
export { plan, type Cell, type Dtype, type Ep, type Settings } from "./plan.js";
export { LIKE } from "./memory-budget.js";
export { LoadedModel } from "./loaded-model.js";
export { Generator, type GeneratorOptions } from "./generator.js";
export { WeightStore, type WeightSource } from "./weight-store.js";
export { verify, VerifyInterruptedError, type VerifyOptions } from "./gate/verify.js";
export { gateRow, type GateResult, type GateRow } from "./gate/result.js";
export { gateOf, gateFolder, type Gate } from "./gate/record.js";
