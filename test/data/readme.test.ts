import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { withColumns } from "../../data/readme-columns.js";
import { loadPaper, PAPER_KINDS } from "../../src/record/load.js";
import { COLUMNS } from "../../src/record/schema.js";

const readme = readFileSync("data/README.md", "utf8");

test("data/README.md has the columns of the schema, no more and no fewer", () => {
  const columns = readme.slice(readme.indexOf("## Columns"));
  const listed = [...columns.matchAll(/^\| `(\w+)` \| (\S+) \| (\S*) \| (.+) \|$/gm)].map((row) =>
    row.slice(1),
  );
  const known = Object.entries(COLUMNS).map(([name, { type, unit, about }]) => [name, type, unit, about]);
  assert.deepEqual(listed, known, "run node --import tsx data/paper/convert.ts ../shared/reference");
});

test("the table of columns is written anew, and nothing else is touched", () => {
  const begin = readme.indexOf("| `kind`");
  const without = readme.slice(0, begin) + readme.slice(readme.indexOf("<!-- end of columns"));
  assert.equal(withColumns(without), readme);
  assert.throws(() => withColumns("# Data\n"), /lacks <!-- columns/);
});

test("data/README.md counts the rows that the files hold", () => {
  for (const kind of PAPER_KINDS)
    assert.match(readme, new RegExp(`\\| \`paper/${kind}\\.csv\` \\| ${loadPaper(kind).numRows()} \\|`));
});
