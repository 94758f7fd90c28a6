export * from "./schema.js";
export * from "./table.js";
export {
  loadCampaign,
  loadPaper,
  loadRows,
  loadSuperseded,
  PAPER_KINDS,
  ROWS_FILE,
  saveRows,
  type LoadedCampaign,
  type PaperKind,
} from "./load.js";
export { exportRows, EXPORT_FORMATS, type ExportFormat } from "./export.js";
export {
  appendRows,
  formatJsonLines,
  parseJsonLines,
  readJsonLines,
  type JsonLines,
  type WarningOptions,
} from "./jsonl.js";
export * from "./csv.js";
export * from "./arrow.js";
export * from "./danfo.js";
export * from "./merge.js";
export * from "./rows.js";
export { query, type QuerySource } from "./query.js";
export * from "./machine.js";
export * from "./environment.js";
export * from "./verdicts.js";
export * from "./devices.js";
export * from "./root.js";
