/**
 * Parameters of a notebook, by the tags that papermill introduced: the cell tagged `parameters` declares them with
 * their defaults, and values from outside are assigned in a cell of their own behind it, tagged
 * `injected-parameters`, so that the file written says what it was run with.
 * https://papermill.readthedocs.io/en/latest/usage-parameterize.html
 */
import { InvalidArgumentError } from "commander";
import { UserError } from "../../errors.js";
import { type Cell, hasTag, type Notebook } from "./ipynb.js";

/** Values by name, each as TypeScript source. */
export type ParameterValues = ReadonlyMap<string, string>;

const DECLARED_TAG = "parameters";
const INJECTED_TAG = "injected-parameters";

/** `let NAME = DEFAULT;` at the start of a line: what is declared so can be assigned, and the compiler checks the type. */
const DECLARATION = /^let\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(?::[^=]+)?=\s*(.*?);?\s*(?:\/\/.*)?$/gmu;

/** Commander's reader of `-p NAME=VALUE`, which may be repeated. A value is JSON, or else text. */
export function collectParameter(argument: string, earlier: ParameterValues = new Map()): ParameterValues {
  const [, name, value] = /^([^=\s]+)=(.*)$/s.exec(argument) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("NAME=VALUE is needed, as in repeats=5 or models='[\"mamba2-130m\"]'.");
  return new Map([...earlier, [name, sourceOf(value)]]);
}

function sourceOf(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return JSON.stringify(value);
  }
}

const declaringCell = (notebook: Notebook): Cell | undefined =>
  notebook.cells.find((cell) => cell.cell_type === "code" && hasTag(cell, DECLARED_TAG));

/** Assigns the values in a cell behind the one that declares them. UserError for a name that is not declared. */
export function injectParameters(notebook: Notebook, values: ParameterValues, file: string): void {
  if (values.size === 0) return;
  const declaring = declaringCell(notebook);
  const declared = new Map(
    [...(declaring?.source ?? "").matchAll(DECLARATION)].map(([, name, value]) => [name!, value!]),
  );
  const unknown = [...values.keys()].find((name) => !declared.has(name));
  if (unknown !== undefined) throw new UserError(`${file} has no parameter ${unknown}: ${inWords(declared)}`);
  const source = [...values].map(([name, value]) => `${name} = ${value};`).join("\n");
  const cells = notebook.cells.filter((cell) => !hasTag(cell, INJECTED_TAG));
  cells.splice(cells.indexOf(declaring!) + 1, 0, {
    id: INJECTED_TAG,
    cell_type: "code",
    source,
    metadata: { tags: [INJECTED_TAG] },
  });
  notebook.cells = cells;
}

function inWords(declared: ReadonlyMap<string, string>): string {
  if (declared.size === 0)
    return `it has none (a code cell tagged "${DECLARED_TAG}" would declare them: let repeats = 3;)`;
  return `it has ${[...declared].map(([name, value]) => `${name} = ${value}`).join(", ")}`;
}
