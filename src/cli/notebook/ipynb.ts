/**
 * Notebook files: nbformat 4 read, nbformat 4.5 written byte for byte as Jupyter writes it (sorted keys, an
 * indent of one, text as lists of lines), so that running a notebook changes nothing but its outputs.
 * The format: https://nbformat.readthedocs.io/en/latest/format_description.html
 */
import { UserError } from "../../errors.js";

export type Output = { output_type: string } & Record<string, unknown>;

export interface Cell {
  id: string;
  cell_type: string;
  source: string;
  metadata: { tags?: string[] } & Record<string, unknown>;
  outputs?: Output[];
  execution_count?: number | null;
}

export const hasTag = (cell: Cell, tag: string): boolean => cell.metadata.tags?.includes(tag) ?? false;

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: 4;
  nbformat_minor: number;
}

type Raw = Record<string, unknown>;

const isObject = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text in a file is a string or a list of lines. */
const joined = (text: unknown): string =>
  Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";

/** Reads a notebook's text; `file` is named in the errors. */
export function parseNotebook(text: string, file: string): Notebook {
  const raw = parseJson(text, file);
  if (!isObject(raw) || !Array.isArray(raw.cells))
    throw new UserError(`${file} is not a notebook: it has no list of cells`);
  if (raw.nbformat !== 4)
    throw new UserError(
      `${file} has nbformat ${String(raw.nbformat)}; 4 is read (jupyter nbconvert upgrades it)`,
    );
  const metadata = isObject(raw.metadata) ? raw.metadata : {};
  const language = isObject(metadata.kernelspec) ? metadata.kernelspec.language : undefined;
  if (typeof language === "string" && language !== "typescript")
    throw new UserError(`${file} is a notebook in ${language}; TypeScript is run`);
  const minor = typeof raw.nbformat_minor === "number" ? Math.max(5, raw.nbformat_minor) : 5;
  return { cells: raw.cells.map(parseCell), metadata, nbformat: 4, nbformat_minor: minor };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}`);
  }
}

function parseCell(raw: unknown, index: number): Cell {
  const cell = isObject(raw) ? raw : {};
  return {
    ...cell,
    // Before nbformat 4.5 cells had no identifier.
    id: typeof cell.id === "string" ? cell.id : `cell-${index + 1}`,
    cell_type: String(cell.cell_type),
    source: joined(cell.source),
    metadata: isObject(cell.metadata) ? cell.metadata : {},
  };
}

/** The notebook's text, as `nbformat.write` would write it. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: toLines(cell.source),
    ...(cell.outputs && { outputs: cell.outputs.map(formatOutput) }),
  }));
  return `${JSON.stringify(sortKeys({ ...notebook, cells }), null, 1)}\n`;
}

/** As Python's `splitlines(True)` on the line ends that occur in our texts. */
const toLines = (text: string): string[] => text.match(/.*?(?:\r\n|\n|\r)|.+$/gs) ?? [];

/** Text of a MIME type is kept as lines, JSON as JSON. */
function formatOutput(output: Output): Output {
  if (output.output_type === "stream") return { ...output, text: toLines(joined(output.text)) };
  if (!isObject(output.data)) return output;
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    typeof value === "string" && !isJson(type) ? toLines(value) : value,
  ]);
  return { ...output, data: Object.fromEntries(data) as Raw };
}

const isJson = (type: string): boolean => type === "application/json" || type.endsWith("+json");

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return Object.fromEntries(keys.map((key) => [key, sortKeys(value[key])]));
}

/** A message of the kernel about a cell, as Jupyter's iopub channel names and fills it. */
export interface OutputMessage {
  type: string;
  content: Record<string, unknown>;
}

/** A figure's message without its Vega-Lite specification, where a picture says the same. */
export function withoutSpecification({ type, content }: OutputMessage): OutputMessage {
  if (!isObject(content.data) || !("image/svg+xml" in content.data)) return { type, content };
  const kept = Object.entries(content.data).filter(([mime]) => !mime.startsWith("application/vnd.vegalite"));
  return { type, content: { ...content, data: Object.fromEntries(kept) } };
}

/**
 * Collects a notebook's outputs. A display with an identifier may be updated later, also from another cell, so
 * the collector lives as long as the notebook runs.
 */
export function outputCollector() {
  const displays = new Map<string, Output[]>();

  function remember(content: Record<string, unknown>, output: Output): void {
    const id = isObject(content.transient) ? content.transient.display_id : undefined;
    if (typeof id === "string") displays.set(id, [...(displays.get(id) ?? []), output]);
  }

  function update(content: Record<string, unknown>): void {
    const id = isObject(content.transient) ? content.transient.display_id : undefined;
    for (const output of displays.get(String(id)) ?? [])
      Object.assign(output, { data: content.data, metadata: content.metadata });
  }

  /** Adds what a message says to the cell. */
  return function collect(cell: Cell, { type, content }: OutputMessage): void {
    const outputs = (cell.outputs ??= []);
    const { data, metadata, execution_count, ename, evalue, traceback } = content;
    switch (type) {
      case "execute_input":
        cell.execution_count = Number(execution_count);
        break;
      case "stream":
        appendStream(outputs, String(content.name), String(content.text));
        break;
      case "display_data": {
        const output = { output_type: type, data, metadata };
        outputs.push(output);
        remember(content, output);
        break;
      }
      case "update_display_data":
        update(content);
        break;
      case "execute_result":
        outputs.push({ output_type: type, data, metadata, execution_count });
        break;
      case "error":
        outputs.push({ output_type: type, ename, evalue, traceback });
    }
  };
}

/** Consecutive writes to one stream are one output. */
function appendStream(outputs: Output[], name: string, text: string): void {
  const last = outputs.at(-1);
  if (last?.output_type === "stream" && last.name === name) last.text = joined(last.text) + text;
  else outputs.push({ output_type: "stream", name, text });
}
