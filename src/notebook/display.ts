/**
 * Shows a value in a notebook as a reader wants it: a table as a table, a figure drawn. Outside a kernel the
 * text goes to standard output, so a notebook's code runs as a script too.
 */
import { inspect } from "node:util";
import { renderSvg } from "./render.js";
import { htmlTable, isRecords, isTable, recordsTable, tableView, textTable } from "./table-view.js";
import { currentDisplay, type MimeBundle } from "./tslab.js";

/** A figure as `src/figures` makes it: a Vega-Lite specification with its data, and words about it. */
interface FigureLike {
  name: string;
  title: string;
  caption: string;
  spec: object;
}

/** The MIME type by which a front end that knows Vega-Lite 6 draws the specification itself; others take the SVG. */
const VEGALITE = "application/vnd.vegalite.v6+json";

function isFigure(value: unknown): value is FigureLike {
  const figure = value as Partial<FigureLike> | null;
  return typeof figure === "object" && typeof figure?.title === "string" && typeof figure.spec === "object";
}

/** A value in every form a front end may pick from; `text/plain` is always among them. */
export async function mimeBundle(value: unknown): Promise<MimeBundle> {
  if (isTable(value)) return tableBundle(tableView(value));
  if (isRecords(value)) return tableBundle(tableView(recordsTable(value)));
  if (isFigure(value)) return figureBundle(value);
  return { "text/plain": typeof value === "string" ? value : inspect(value) };
}

const tableBundle = (view: ReturnType<typeof tableView>): MimeBundle => ({
  "text/html": htmlTable(view),
  "text/plain": textTable(view),
});

const figureBundle = async (figure: FigureLike): Promise<MimeBundle> => ({
  "image/svg+xml": await renderSvg(figure),
  [VEGALITE]: figure.spec,
  "text/plain": figureText(figure),
});

const figureText = ({ name, title, caption }: FigureLike): string => `${name}: ${title}\n${caption}`.trim();

/**
 * Shows a value below the cell: an arquero table or a list of records as a table (at most 50 rows, and how many
 * there are in all), a figure drawn with its caption below, a string as Markdown, anything else as text.
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
  if (isFigure(value) && value.caption) display({ data: markdownBundle(value.caption), metadata: {} });
}

const markdownBundle = (text: string): MimeBundle => ({ "text/markdown": text, "text/plain": text });

/** Without drawing: a script that only wants the numbers loads no Vega. */
function plainText(value: unknown): string {
  if (isTable(value)) return textTable(tableView(value));
  if (isRecords(value)) return textTable(tableView(recordsTable(value)));
  if (isFigure(value)) return figureText(value);
  return typeof value === "string" ? value : inspect(value);
}
