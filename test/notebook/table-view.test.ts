import assert from "node:assert/strict";
import { test } from "node:test";
import { from, table } from "arquero";
import {
  formatNumber,
  htmlTable,
  isRecords,
  isTable,
  recordsTable,
  tableView,
  textTable,
} from "../../src/notebook/table-view.js";

test("numbers have four significant digits, whole ones all of theirs", () => {
  const shown = [
    0, -3, 1234, 9999, 10_000, 1_234_567, 1.23456, 123.456, 1234.56, 98_765.4, 0.00123456, 1.5e-7,
  ];
  assert.deepEqual(shown.map(formatNumber), [
    "0",
    "-3",
    "1234",
    "9999",
    "10,000",
    "1,234,567",
    "1.235",
    "123.5",
    "1235",
    "98,765",
    "0.001235",
    "1.500e-7",
  ]);
  assert.deepEqual([NaN, Infinity].map(formatNumber), ["NaN", "Infinity"]);
});

test("an arquero table: order and filter hold, empty columns are left out, the note says so", () => {
  const rows = table({
    model: ["b", "a", "c"],
    ttft_ms: [2.5, 1.25, null],
    energy_j: [null, null, null],
    itl_ms: [[1, 2, 3, 4], [1.5], null],
  });
  const view = tableView(rows.orderby("model").filter((row: { model: string }) => row.model !== "c"));
  assert.deepEqual(
    view.columns.map(({ name, unit, numeric, cells }) => ({ name, unit, numeric, cells })),
    [
      { name: "model", unit: "", numeric: false, cells: ["a", "b"] },
      { name: "ttft_ms", unit: "ms", numeric: true, cells: ["1.25", "2.5"] },
      { name: "itl_ms", unit: "ms", numeric: false, cells: ["1.5", "1, 2, 3, … (4)"] },
    ],
  );
  assert.equal(view.note, "2 rows; 1 column without a value left out");
});

test("a long table shows its first 50 rows and says how many there are", () => {
  const view = tableView(from(Array.from({ length: 12_345 }, (_, n) => ({ n }))));
  assert.equal(view.columns[0]!.cells.length, 50);
  assert.equal(view.note, "first 50 of 12,345 rows");
  assert.equal(htmlTable(view).match(/<tr>/g)?.length, 51);
  assert.equal(textTable(view).split("\n").length, 52);
});

test("the HTML escapes what a cell holds and aligns numbers to the right", () => {
  const html = htmlTable(tableView(table({ status_reason: ['<b>&"'], batch: [1] })));
  assert.ok(html.includes('<td style="text-align: left">&lt;b&gt;&amp;&quot;</td>'), html);
  assert.match(html, /<td style="text-align: right[^"]*">1<\/td>/);
  assert.match(
    html,
    /<th [^>]*title="sequences processed together">batch<br><small>sequences<\/small><\/th>/,
  );
});

test("text is aligned", () => {
  assert.equal(
    textTable(tableView(table({ model: ["mamba", "gpt"], n: [1, 100] }))),
    ["model    n", "mamba    1", "gpt    100", "2 rows"].join("\n"),
  );
});

test("an empty table keeps its columns", () => {
  const view = tableView(table({ model: [], ttft_ms: [] }));
  assert.deepEqual(
    view.columns.map(({ name }) => name),
    ["model", "ttft_ms"],
  );
  assert.equal(view.note, "0 rows");
});

test("lists of plain records are tables, other values are not", () => {
  const records = [{ a: 1 }, { b: "x" }];
  assert.ok(isRecords(records));
  assert.equal(textTable(tableView(recordsTable(records))), ["a  b", "1", "   x", "2 rows"].join("\n"));
  assert.ok(!isRecords([]));
  assert.ok(!isRecords([1, 2]));
  assert.ok(!isRecords([new Date()]));
  assert.ok(isTable(table({ a: [1] })));
  for (const value of [null, undefined, 3, "x", {}, []]) assert.ok(!isTable(value));
});
