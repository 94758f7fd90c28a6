export { Graph, type Value, type Node, type Weight } from "./builder.js";
export { GraphError } from "./error.js";
export { encodeModel, isFused, WEIGHTS_FILE } from "./encode.js";
export { TYPES, elements, type Dim, type DType, type FloatType, type Shape } from "./types.js";
export type { Matrix } from "./ops/linear.js";
/** The operators that graphs are built of. */
export * as ops from "./ops/index.js";
export type { Section } from "./ops/fused.js";
