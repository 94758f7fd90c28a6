/** A table of markdown; the first column is text, the others are numbers. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A number with three significant digits; nothing where there is none. */
export function digits(value: number | null | undefined): string {
  if (value == null) return "";
  const text = value.toPrecision(3);
  return value >= 999.5 ? Number(text).toLocaleString("en-US") : text;
}

export const tokens = (count: number): string => count.toLocaleString("en-US");

/** Headers of columns of one quantity at these lengths: the first says which. */
export const titled = (title: string, lengths: readonly number[]): string[] =>
  lengths.map((length, i) => (i === 0 ? `${title} ${tokens(length)}` : tokens(length)));

/** 3 to 7, or 3 where they are the same. */
export function span(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
}
