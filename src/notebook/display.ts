/**
 * Shows a value in a notebook as a reader wants it: a table as a table, a figure drawn. Outside a kernel the
 * text goes to standard output, so a notebook's code runs as a script too.
 */
import { createHash, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { renderSvg } from "./render.js";
import { asTableLike, htmlTable, tableView, textTable } from "./table-view.js";
import { currentDisplay, type MimeBundle } from "./tslab.js";

/** A figure as `src/figures` makes it: a Vega-Lite specification with its data, and words about it. */
interface FigureLike {
  name: string;
  title: string;
  caption: string;
  spec: object;
}

function isFigure(value: unknown): value is FigureLike {
  const figure = value as Partial<FigureLike> | null;
  return typeof figure === "object" && typeof figure?.title === "string" && typeof figure.spec === "object";
}

/** Where Vega-Lite keeps its schemas; the number is its major version. */
const SCHEMA = /^https?:\/\/vega\.github\.io\/schema\/vega-lite\/v(\d+)/;

const versionOf = (spec: object): string | undefined =>
  SCHEMA.exec(String((spec as { $schema?: unknown }).$schema))?.[1];

/** By this a front end that knows that Vega-Lite draws the specification itself; others take the SVG. */
const vegaLiteType = (spec: object): string => `application/vnd.vegalite.v${versionOf(spec) ?? 6}+json`;

/** The value as a figure, if it is one: ours, or a Vega-Lite specification that says so in its `$schema`. */
function asFigure(value: unknown): FigureLike | null {
  if (isFigure(value)) return value;
  if (typeof value !== "object" || value === null || versionOf(value) === undefined) return null;
  const { title, description } = value as { title?: unknown; description?: unknown };
  return {
    // Names part the ids of figures on one page.
    name: `spec-${createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8)}`,
    title: titleText(title) ?? "Vega-Lite figure",
    caption: typeof description === "string" ? description : "",
    spec: value,
  };
}

/** Vega-Lite's title is a text, its lines, or an object with either. */
function titleText(title: unknown): string | null {
  if (Array.isArray(title)) return title.join(" ");
  if (typeof title === "object" && title !== null) return titleText((title as { text?: unknown }).text);
  return typeof title === "string" ? title : null;
}

/** A value in every form a front end may pick from; `text/plain` is always among them. */
export async function mimeBundle(value: unknown): Promise<MimeBundle> {
  const table = asTableLike(value);
  if (table) return tableBundle(tableView(table));
  const figure = asFigure(value);
  if (figure) return figureBundle(figure);
  return { "text/plain": typeof value === "string" ? value : inspect(value) };
}

const tableBundle = (view: ReturnType<typeof tableView>): MimeBundle => ({
  "text/html": htmlTable(view),
  "text/plain": textTable(view),
});

const figureBundle = async (figure: FigureLike): Promise<MimeBundle> => ({
  "image/svg+xml": await renderSvg(figure),
  [vegaLiteType(figure.spec)]: figure.spec,
  "text/plain": figureText(figure),
});

const figureText = ({ name, title, caption }: FigureLike): string => `${name}: ${title}\n${caption}`.trim();

/**
 * Shows a value below the cell: an arquero table, a danfo.js DataFrame or a list of records as a table (at most 50
 * rows, and how many there are in all), a figure or a Vega-Lite specification drawn with its caption below, a string
 * as Markdown, anything else as text.
 * Wait for it (`await show(table)`), or the next output may come first.
 */
export async function show(value: unknown): Promise<void> {
  const display = currentDisplay();
  if (!display) {
    console.log(plainText(value));
    return;
  }
  const data = typeof value === "string" ? markdownBundle(value) : await mimeBundle(value);
  display({ data, metadata: {} });
  const caption = asFigure(value)?.caption;
  if (caption) display({ data: markdownBundle(caption), metadata: {} });
}

const markdownBundle = (text: string): MimeBundle => ({ "text/markdown": text, "text/plain": text });

/** Without drawing: a script that only wants the numbers loads no Vega. */
function plainText(value: unknown): string {
  const table = asTableLike(value);
  if (table) return textTable(tableView(table));
  const figure = asFigure(value);
  if (figure) return figureText(figure);
  return typeof value === "string" ? value : inspect(value);
}

/** An output of the cell that runs now whose content is replaced by each call; null outside a kernel. */
export function openDisplay(): ((data: MimeBundle) => void) | null {
  const display = currentDisplay();
  if (!display) return null;
  const transient = { display_id: randomUUID() };
  let shown = false;
  return (data) => {
    display({ data, metadata: {}, transient }, shown);
    shown = true;
  };
}

/**
 * Lends `openDisplay` to whoever has something to show while a cell runs, whichever copy of the library it is of:
 * `src/run/progress.ts` looks for it, and knows nothing else of notebooks.
 */
export function lendDisplay(): void {
  Object.assign(globalThis, { [Symbol.for("ssm-scope.open-display")]: openDisplay });
}
