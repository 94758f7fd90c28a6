import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { appendRows } from "../../src/record/jsonl.js";
import { loadPaper, loadRows, PAPER_KINDS, saveRows, type PaperKind } from "../../src/record/load.js";
import { rowsToTable } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS, temporaryFolder } from "./sample-rows.js";

const made = rowsToTable(SAMPLE_ROWS);
const noWarning = (message: string): void => {
  assert.fail(message);
};

test("a table survives each file format, in a folder that was not there", (t) => {
  const folder = temporaryFolder(t);
  for (const extension of ["jsonl", "csv", "arrow", "CSV"]) {
    const path = join(folder, extension, "new", `rows.${extension}`);
    saveRows(made, path);
    tableEqual(loadRows(path, { onWarning: noWarning }), made);
  }
});

test("saving replaces what was there", (t) => {
  const path = join(temporaryFolder(t), "rows.jsonl");
  saveRows(made, path);
  saveRows(made, path);
  assert.equal(loadRows(path).numRows(), SAMPLE_ROWS.length);
});

test("a campaign folder is loaded by its rows.jsonl; a cut last line is reported, the rest is read", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "rows.jsonl");
  appendRows(path, SAMPLE_ROWS);
  writeFileSync(path, readFileSync(path).subarray(0, -10));
  const warnings: string[] = [];
  const read = loadRows(folder, { onWarning: (message) => warnings.push(message) });
  tableEqual(read, rowsToTable(SAMPLE_ROWS.slice(0, 3)));
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /rows\.jsonl line 4 is not a JSON object.*the 3 rows before it were read/);
});

test("the cut line goes to console.warn unless told otherwise", (t) => {
  const path = join(temporaryFolder(t), "rows.jsonl");
  writeFileSync(path, '{"model":"a"}\n{"mod');
  const warn = t.mock.method(console, "warn", () => undefined);
  loadRows(path);
  assert.equal(warn.mock.callCount(), 1);
});

test("what cannot be loaded is named", (t) => {
  const folder = temporaryFolder(t);
  const fails = (name: string, text: string | null, message: RegExp): void => {
    const path = join(folder, name);
    if (text !== null) writeFileSync(path, text);
    assert.throws(() => loadRows(path, { onWarning: () => undefined }), { name: "UserError", message });
  };
  mkdirSync(join(folder, "empty"));
  fails("nowhere.csv", null, /^There is no file or folder .*nowhere\.csv/);
  fails("empty", null, /^The folder .*empty holds no rows\.jsonl/);
  fails("rows.txt", "model\na\n", /rows\.txt has no known extension; rows are \.jsonl, \.csv, \.arrow/);
  fails("empty.jsonl", "", /empty\.jsonl holds no row/);
  fails("cut.jsonl", '{"mod', /cut\.jsonl holds no row/);
  fails("empty.csv", "", /empty\.csv holds no row/);
  fails("header.csv", "model,ttft_ms\n", /header\.csv holds no row/);
  fails("empty.arrow", "", /empty\.arrow is not a whole Arrow IPC file/);
  fails("semicolons.csv", "model;ttft_ms\na;1\n", /semicolons\.csv has no column of a row .*model;ttft_ms/);
  assert.throws(
    () => {
      saveRows(made, join(folder, "rows.parquet"));
    },
    { name: "UserError", message: /rows\.parquet has no known extension/ },
  );
});

test("the paper's rows are loaded by kind, and all together", () => {
  const counts = Object.fromEntries(PAPER_KINDS.map((kind) => [kind, loadPaper(kind).numRows()]));
  const all = loadPaper();
  assert.equal(
    all.numRows(),
    Object.values(counts).reduce((sum, count) => sum + count),
  );
  for (const kind of PAPER_KINDS) {
    const kinds = kind === "latency" ? ["latency", "profiled_latency"] : [kind];
    assert.deepEqual(new Set(loadPaper(kind).array("kind")), new Set(kinds));
  }
  assert.throws(() => loadPaper("speed" as PaperKind), {
    name: "UserError",
    message: /no rows of kind speed; its kinds are latency, memory/,
  });
});
