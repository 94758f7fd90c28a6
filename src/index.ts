// What a notebook may name, in reading order. Measuring has its own door, `ssm-scope/run`: it loads native code.
export * from "./record/index.js";
export * from "./stats/index.js";
export * from "./analyze/index.js";
export * from "./figures/index.js";
export * from "./notebook/index.js";
export * as models from "./models/index.js";
export * as graph from "./graph/index.js";
export { UserError } from "./errors.js";
