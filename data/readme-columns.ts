import { COLUMNS } from "../src/record/schema.js";

const BEGIN = "<!-- columns: written by data/paper/convert.ts from src/record/schema.ts -->";
const END = "<!-- end of columns -->";

/** The README with its table of columns as the schema has them now. */
export function withColumns(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`data/README.md lacks ${BEGIN} ... ${END}`);
  const rows = Object.entries(COLUMNS).map(
    ([name, { type, unit, about }]) => `| \`${name}\` | ${type} | ${unit} | ${about} |`,
  );
  const table = ["| column | type | unit | what |", "| --- | --- | --- | --- |", ...rows].join("\n");
  return `${readme.slice(0, begin)}${BEGIN}\n${table}\n${readme.slice(end)}`;
}
