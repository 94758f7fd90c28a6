export { importRows, IMPORT_FORMATS, type ImportOptions } from "./import-rows.js";
export type { KnownModel } from "./name-model.js";
