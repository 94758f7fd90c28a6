import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { table } from "arquero";
import { csvToTable, tableToCsv } from "../../src/record/csv.js";
import type { Row } from "../../src/record/schema.js";
import { splitCsv } from "../../src/record/split-csv.js";
import { rowsToTable, tableToRows } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS } from "./sample-rows.js";

// papaparse ships no types.
const papa = createRequire(import.meta.url)("papaparse") as {
  parse(text: string): { data: string[][]; errors: unknown[] };
  unparse(rows: unknown[][], options: { newline: string; quotes?: boolean }): string;
};

const fails = (text: string, message: RegExp): void => {
  assert.throws(() => csvToTable(text, "rows.csv"), { name: "UserError", message });
};

test("a table survives CSV: numbers to the last digit, booleans, arrays, empty arrays, gaps", () => {
  const made = rowsToTable(SAMPLE_ROWS);
  tableEqual(csvToTable(tableToCsv(made), "rows.csv"), made);
});

test("papaparse reads the same cells from our CSV", () => {
  const text = (value: Row[keyof Row]): string =>
    Array.isArray(value) ? value.join(";") || "[]" : String(value ?? "");
  const { data, errors } = papa.parse(tableToCsv(rowsToTable(SAMPLE_ROWS)).trimEnd());
  const [names, ...cells] = data;
  assert.deepEqual(errors, []);
  assert.deepEqual(
    cells,
    SAMPLE_ROWS.map((row) => names!.map((name) => text(row[name as keyof Row]))),
  );
});

test("we read the same cells from papaparse's CSV, whatever it quotes and ends lines with", () => {
  const cells = [
    ["model", "note"],
    ['a "quoted" one', "two\nlines"],
    ["comma, and ;", "\r\n"],
    ["", " spaces "],
  ];
  for (const options of [
    { newline: "\n" },
    { newline: "\r\n" },
    { newline: "\r" },
    { newline: "\n", quotes: true },
  ])
    assert.deepEqual(
      splitCsv(papa.unparse(cells, options), "x.csv").map((record) => record.cells),
      cells,
    );
});

test("the schema types known columns, so text that looks like a number stays text; unknown columns stay text", () => {
  const read = csvToTable("figure,ttft_ms,mood,warmup_stable\n3,3,3,True\n", "rows.csv");
  assert.deepEqual(tableToRows(read), [{ figure: "3", ttft_ms: 3, warmup_stable: true, mood: "3" }]);
});

test("a byte order mark, a missing last newline and blank lines do no harm", () => {
  const read = csvToTable("\uFEFFmodel,threads\n\na,\n\nb,2", "rows.csv");
  assert.deepEqual(tableToRows(read), [{ model: "a" }, { model: "b", threads: 2 }]);
  assert.deepEqual(tableToRows(csvToTable("model,threads\na,", "rows.csv")), [{ model: "a" }]);
});

test("what cannot be read is named by file, line, column and value", () => {
  fails(
    "model,ttft_ms\na,1\nb,fast\n",
    /^rows\.csv line 3: column ttft_ms must be a finite number, found 'fast'/,
  );
  fails('model,ttft_ms\n"a\nb",\nc,1 2\n', /^rows\.csv line 4: column ttft_ms .* found '1 2'/);
  fails("ttft_ms\nInfinity\n", /found 'Infinity'/);
  fails("itl_ms\n1;;2\n", /column itl_ms must be an array of finite numbers, found '1;;2'/);
  fails("warmup_stable\nyes\n", /column warmup_stable must be true or false, found 'yes'/);
  fails("model,threads\na,1\nb\n", /^rows\.csv line 3 has 1 cells where the header has 2/);
  fails("model,threads\na,1,2\n", /line 2 has 3 cells where the header has 2/);
  fails("model,model\na,b\n", /column model occurs twice/);
  fails('model\na\n"b\n', /^rows\.csv line 3: a quote/);
  fails('model\nb"c\n', /^rows\.csv line 2: a quote/);
});

test("what CSV cannot hold, or no reader would accept, is refused", () => {
  const refuses = (column: string, value: unknown, message: RegExp): void => {
    assert.throws(() => tableToCsv(table({ [column]: [value] })), { name: "UserError", message });
  };
  refuses("verdict_reasons", ["a;b"], /column verdict_reasons holds "a;b"/);
  refuses("verdict_reasons", [""], /column verdict_reasons holds ""/);
  refuses("ttft_ms", "fast", /column ttft_ms must be a finite number, found 'fast'/);
});
