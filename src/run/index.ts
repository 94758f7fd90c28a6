export { run, InterruptedError, type RunOptions } from "./run.js";
export { plan, type Cell, type Dtype, type Settings } from "./plan.js";
export { Generator, positionsFor, type Shared } from "./generator.js";
export { WeightStore, type WeightSource } from "./weight-store.js";
