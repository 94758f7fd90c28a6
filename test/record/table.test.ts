import assert from "node:assert/strict";
import { test } from "node:test";
import { desc, table } from "arquero";
import { COLUMN_NAMES, type Row } from "../../src/record/schema.js";
import { rowsToTable, tableToRows } from "../../src/record/table.js";
import { SAMPLE_ROWS } from "./sample-rows.js";

test("a table has the filled columns in schema order, then unknown ones, with nulls in the gaps", () => {
  const rows: Row[] = [
    { ttft_ms: 1, model: "b", threads: null },
    { ...{ mood: "good" }, kind: "latency", model: "a" },
  ];
  const made = rowsToTable(rows);
  assert.deepEqual(made.columnNames(), ["kind", "model", "ttft_ms", "mood"]);
  assert.deepEqual(made.objects(), [
    { kind: null, model: "b", ttft_ms: 1, mood: null },
    { kind: "latency", model: "a", ttft_ms: null, mood: "good" },
  ]);
});

test("every column of the schema passes, in its order", () => {
  const shuffled = Object.fromEntries([...COLUMN_NAMES].reverse().map((name) => [name, "x"]));
  assert.deepEqual(rowsToTable([shuffled]).columnNames(), COLUMN_NAMES);
});

test("rows come back as they went in; array cells stay arrays", () => {
  assert.deepEqual(tableToRows(rowsToTable(SAMPLE_ROWS)), SAMPLE_ROWS);
  assert.deepEqual(rowsToTable(SAMPLE_ROWS).get("itl_ms", 0), [13.25, 1 / 3, 1e-7]);
});

test("rows follow the table's filter and order", () => {
  const sorted = rowsToTable([{ ttft_ms: 1 }, { ttft_ms: 3 }, { ttft_ms: 2 }])
    .filter((d: { ttft_ms: number }) => d.ttft_ms > 1)
    .orderby(desc("ttft_ms"));
  assert.deepEqual(tableToRows(sorted), [{ ttft_ms: 3 }, { ttft_ms: 2 }]);
});

test("typed arrays of a foreign table become plain arrays", () => {
  const rows = tableToRows(table({ itl_ms: [new Float32Array([1, 2.5])] }));
  assert.deepEqual(rows, [{ itl_ms: [1, 2.5] }]);
});

test("no rows make an empty table", () => {
  assert.equal(rowsToTable([]).numRows(), 0);
  assert.deepEqual(tableToRows(rowsToTable([])), []);
});
