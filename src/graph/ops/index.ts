export * from "./elementwise.js";
export * from "./linear.js";
export * from "./layout.js";
export * from "./reduce.js";
export * from "./normalization.js";
export * from "./attention.js";
export * from "./state-space.js";
export * from "./fused.js";
