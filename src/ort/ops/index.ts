/** Our own operators: where their libraries are, and how they are made. */
export { buildOperators, type BuildOptions, type BuildResult } from "./build.js";
export { HOW_TO_GET } from "./compiler.js";
export {
  findOperators,
  operatorsFor,
  operatorsFolder,
  operatorSources,
  type OperatorsEp,
} from "./library.js";
