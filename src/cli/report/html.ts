/** Text to HTML. Everything that reaches a page from a row, a machine or a caller goes through `escape`. */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);

/** What a table cell may hold; null is "not measured" and shows as a dash. */
export type Cell = string | number | boolean | null;

const WHOLE = new Intl.NumberFormat("en-US");
const MEASURED = new Intl.NumberFormat("en-US", { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });

/** Whole numbers in full, others with four significant digits. */
export function cellText(cell: Cell): string {
  if (cell === null) return "–";
  if (typeof cell !== "number") return String(cell);
  if (!Number.isFinite(cell)) return String(cell);
  return Number.isInteger(cell) || Math.abs(cell) >= 10000
    ? WHOLE.format(Math.round(cell))
    : MEASURED.format(cell);
}

export interface Table {
  /** The stem of its download. */
  readonly name: string;
  readonly caption: string;
  /** `numeric` columns are aligned right, digits under digits. */
  readonly columns: readonly { readonly label: string; readonly numeric?: boolean }[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Cell[])[];
}

/** The cell in full where its text is not, for whoever sorts or saves it. */
const valueAttribute = (cell: Cell): string =>
  cell === null ? ' data-value=""' : typeof cell === "number" ? ` data-value="${cell}"` : "";

/** A table that scrolls inside its own box where the page is narrower than it. */
export function tableHtml({ name, caption, columns, rows }: Table): string {
  const align = (i: number): string => (columns[i]?.numeric ? ' class="number"' : "");
  const head = columns.map(({ label }, i) => `<th scope="col"${align(i)}>${escape(label)}</th>`).join("");
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const text = escape(cellText(cell));
      const attributes = align(i) + valueAttribute(cell);
      return i === 0 ? `<th scope="row"${attributes}>${text}</th>` : `<td${attributes}>${text}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  const empty = `<tr><td colspan="${columns.length}">no rows</td></tr>`;
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}">`,
    `<table data-name="${escape(name)}"><caption>${escape(caption)}</caption>`,
    `<thead><tr>${head}</tr></thead>`,
    `<tbody>${body.length > 0 ? body.join("\n") : empty}</tbody>`,
    `</table></div>`,
  ].join("\n");
}

/** Names and values, one pair a line. */
export type Facts = Readonly<Record<string, Cell>>;

export function factsHtml(facts: Facts): string {
  const lines = Object.entries(facts).map(
    ([name, value]) => `<dt>${escape(name)}</dt><dd>${escape(cellText(value))}</dd>`,
  );
  return `<dl>\n${lines.join("\n")}\n</dl>`;
}
