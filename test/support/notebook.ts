/** Small notebooks for the tests, written below the checkout, where a cell finds `ssm-scope`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

const OUT = resolve(import.meta.dirname, "../../out");

/** A folder below the checkout that is removed after the tests of the file. */
export function scratchFolder(): string {
  mkdirSync(OUT, { recursive: true });
  const folder = mkdtempSync(join(OUT, "test-notebook-"));
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface TestCell {
  source: string;
  tags?: string[];
  type?: "markdown";
}

/** Writes a notebook as Jupyter would, older than nbformat 4.5: without cell identifiers. */
export function writeNotebook(file: string, cells: (string | TestCell)[]): string {
  const notebook = {
    cells: cells.map((cell) => {
      const { source, tags, type }: TestCell = typeof cell === "string" ? { source: cell } : cell;
      const metadata = tags ? { tags } : {};
      return type
        ? { cell_type: type, metadata, source }
        : { cell_type: "code", execution_count: null, metadata, outputs: [], source };
    }),
    metadata: {
      kernelspec: { display_name: "TypeScript (ssm-scope)", language: "typescript", name: "ssm-scope" },
    },
    nbformat: 4,
    nbformat_minor: 4,
  };
  writeFileSync(file, JSON.stringify(notebook));
  return file;
}

export interface WrittenOutput {
  output_type: string;
  name?: string;
  text?: string[];
  data?: Record<string, unknown>;
  execution_count?: number;
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

export interface WrittenCell {
  id: string;
  cell_type: string;
  execution_count?: number | null;
  metadata: Record<string, unknown>;
  outputs: WrittenOutput[];
  source: string[];
}

export interface WrittenNotebook {
  cells: WrittenCell[];
  metadata: Record<string, unknown>;
  nbformat: number;
  nbformat_minor: number;
}

export const readNotebook = (file: string): WrittenNotebook =>
  JSON.parse(readFileSync(file, "utf8")) as WrittenNotebook;

/** Whether a process is there; one that has ended but was not yet waited for counts as gone. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits a few seconds for a process to end. */
export async function isGone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await delay(50);
  return !isAlive(pid);
}

/** All that the cell's outputs say, joined. */
export const printed = (cell: WrittenCell, name = "stdout"): string =>
  cell.outputs
    .filter((output) => output.output_type === "stream" && output.name === name)
    .flatMap((output) => output.text ?? [])
    .join("");

/** What the cells tagged `key-numbers` say in plain text, by the cell's identifier; a figure's caption is no number. */
export function keyNumbers(file: string): Record<string, string> {
  const cells = readNotebook(file).cells.filter(
    ({ metadata }) => Array.isArray(metadata.tags) && metadata.tags.includes("key-numbers"),
  );
  const said = ({ text, data }: WrittenOutput): string[] =>
    data && "image/svg+xml" in data ? [] : (text ?? (data?.["text/plain"] as string[] | undefined) ?? []);
  return Object.fromEntries(cells.map(({ id, outputs }) => [id, outputs.flatMap(said).join("")]));
}
