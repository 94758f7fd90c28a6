/** Runs a notebook's cells in order and writes it with their outputs, also when a cell fails. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../../errors.js";
import { type CellEnd, CellProcess } from "./cell-process.js";
import {
  type Cell,
  formatNotebook,
  hasTag,
  type Notebook,
  outputCollector,
  parseNotebook,
  withoutSpecification,
} from "./ipynb.js";
import { injectParameters, type ParameterValues } from "./parameters.js";

export interface RunNotebookOptions {
  /** File to write, which may be the notebook itself. */
  output: string;
  /** Limit for each cell in seconds; Infinity for none. */
  timeoutS: number;
  /** Assigned behind the cell tagged `parameters`; default: what that cell declares. */
  parameters?: ParameterValues;
  /** Keep of a figure the picture alone: its Vega-Lite specification is half of what a notebook weighs. */
  svgOnly?: boolean | undefined;
  /** Told before a cell runs and after it has. */
  onCell?: (event: CellEvent) => void;
  /** Stops the run. */
  abort?: AbortSignal;
}

export interface CellEvent {
  /** From 1, counting the cells that run. */
  number: number;
  /** How many run in all. */
  total: number;
  source: string;
  /** How it ended, and when; absent before. */
  ended?: { how: CellEnd; seconds: number };
}

export interface NotebookRun {
  output: string;
  how: CellEnd;
  /** The cell that ended the run; absent when all ran. */
  failed?: { number: number; source: string; error: string };
}

/** Tags that Jupyter's own runner (nbclient) knows: a cell left out, a cell that may fail. */
const SKIP_TAG = "skip-execution";
const MAY_FAIL_TAG = "raises-exception";

const runs = (cell: Cell): boolean =>
  cell.cell_type === "code" && cell.source.trim() !== "" && !hasTag(cell, SKIP_TAG);

/** Runs a notebook; a failing cell is a result, not an exception. */
export async function runNotebook(file: string, options: RunNotebookOptions): Promise<NotebookRun> {
  const notebook = prepareNotebook(file, options.parameters);
  const cells = notebook.cells.filter(runs);
  for (const cell of notebook.cells) if (cell.cell_type === "code") clear(cell);

  const kernel = (notebook.metadata.kernelspec as { name?: unknown } | undefined)?.name;
  const folder = dirname(resolve(file));
  const { cells: process, language } = await CellProcess.start(folder, kernel, options.abort);
  notebook.metadata.language_info = language;
  try {
    return await runCells(process, notebook, cells, options);
  } finally {
    process.kill();
  }
}

/** Reads a notebook and gives it its parameters. UserError for what is no notebook, or has no such parameter. */
export function prepareNotebook(file: string, parameters: ParameterValues = new Map()): Notebook {
  const notebook = parseNotebook(readNotebookFile(file), file);
  injectParameters(notebook, parameters, file);
  return notebook;
}

async function runCells(
  process: CellProcess,
  notebook: Notebook,
  cells: Cell[],
  { output, timeoutS, svgOnly, onCell, abort }: RunNotebookOptions,
): Promise<NotebookRun> {
  const collect = outputCollector();
  for (const [index, cell] of cells.entries()) {
    const event = { number: index + 1, total: cells.length, source: cell.source };
    onCell?.(event);
    const start = performance.now();
    const how = await process.run(cell.source, timeoutS, (message) => {
      collect(cell, svgOnly ? withoutSpecification(message) : message);
    });
    const lost = lostCell(how, timeoutS);
    if (lost) collect(cell, { type: "error", content: lost });
    writeNotebook(output, notebook);
    onCell?.({ ...event, ended: { how, seconds: (performance.now() - start) / 1000 } });
    if (how === "failed" && hasTag(cell, MAY_FAIL_TAG)) continue;
    if (how !== "ok")
      return { output, how, failed: { number: event.number, source: cell.source, error: errorText(cell) } };
  }
  writeNotebook(output, notebook);
  return { output, how: abort?.aborted ? "interrupted" : "ok" };
}

function clear(cell: Cell): void {
  cell.outputs = [];
  cell.execution_count = null;
}

/** The error of a cell whose process could not state it any more. */
function lostCell(how: CellEnd, timeoutS: number) {
  const words: Partial<Record<CellEnd, [string, string]>> = {
    "timed out": ["TimedOut", `the cell ran longer than ${timeoutS} s and was stopped`],
    interrupted: ["Interrupted", "the cell was interrupted"],
    died: ["KernelDied", "the process that ran the cell ended by itself (out of memory, or a crash?)"],
  };
  const [ename, evalue] = words[how] ?? [];
  return ename && evalue ? { ename, evalue, traceback: [`${ename}: ${evalue}`] } : null;
}

/** The error of a failed cell, or what it wrote instead: tslab prints what it did not expect. */
function errorText({ outputs = [] }: Cell): string {
  const error = outputs.findLast(({ output_type }) => output_type === "error");
  if (Array.isArray(error?.traceback)) return error.traceback.join("\n");
  const written = outputs.findLast(({ name }) => name === "stderr");
  return typeof written?.text === "string" ? written.text : "the cell failed and gave no reason";
}

function readNotebookFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === "ENOENT" ? `there is no notebook ${file}` : `${file} cannot be read (${code})`,
    );
  }
}

/** Written beside and moved into place: a run that is killed leaves the earlier file whole. */
function writeNotebook(file: string, notebook: Notebook): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = join(dirname(file), `.${basename(file)}.part`);
  writeFileSync(part, formatNotebook(notebook));
  renameSync(part, file);
}
