export { run, InterruptedError, type RunOptions } from "./run.js";
export { plan, type Cell, type Dtype, type Ep, type Settings } from "./plan.js";
export { LIKE } from "./memory-budget.js";
export { LoadedModel } from "./loaded-model.js";
export { Generator, type GeneratorOptions } from "./generator.js";
export { WeightStore, type WeightSource } from "./weight-store.js";
