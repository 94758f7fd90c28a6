import assert from "node:assert/strict";
import { test } from "node:test";
import { tableFromArrays, tableFromIPC, tableFromJSON, tableToIPC } from "apache-arrow";
import { desc, table } from "arquero";
import { arrowToTable, tableToArrow } from "../../src/record/arrow.js";
import { rowsToTable, tableToRows } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS } from "./sample-rows.js";

const made = rowsToTable(SAMPLE_ROWS);

test("a table survives Arrow: types, arrays, empty arrays, gaps", () => {
  tableEqual(arrowToTable(tableToArrow(made), "rows.arrow"), made);
});

test("apache-arrow reads the same types and cells from our bytes", () => {
  const read = tableFromIPC(tableToArrow(made));
  const types = Object.fromEntries(read.schema.fields.map((field) => [field.name, String(field.type)]));
  assert.equal(types.ttft_ms, "Float64");
  assert.equal(types.warmup_stable, "Bool");
  assert.equal(types.itl_ms, "List<Float64>");
  assert.equal(types.verdict_reasons, "List<Utf8>");
  assert.match(types.model!, /Dictionary<Int32, Utf8>/);
  const rows = read.toArray().map((row) => (row as { toJSON(): Record<string, unknown> }).toJSON());
  const plain = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, cell]) => [
        name,
        typeof cell === "object" && cell !== null ? [...(cell as Iterable<unknown>)] : cell,
      ]),
    ),
  );
  assert.deepEqual(plain, made.objects());
});

test("we read what apache-arrow writes, stream and file format", () => {
  const rows = [
    { model: "a", ttft_ms: 1.5, warmup_stable: true, itl_ms: [1, 2] },
    { model: "b", ttft_ms: 2.5, warmup_stable: false, itl_ms: [3] },
  ];
  for (const format of ["file", "stream"] as const) {
    const bytes = tableToIPC(tableFromJSON(rows), format);
    assert.deepEqual(tableToRows(arrowToTable(bytes, "rows.arrow")), rows);
  }
});

test("filtered and ordered tables are written as they are seen", () => {
  const seen = made.filter((d: { itl_ms: unknown }) => d.itl_ms !== null).orderby(desc("model"));
  assert.deepEqual(arrowToTable(tableToArrow(seen), "rows.arrow").array("model"), seen.array("model"));
});

test("unknown columns travel with the type of their values", () => {
  const bytes = tableToArrow(table({ model: ["a", "b"], mood: [true, null], level: [1, 2] }));
  assert.deepEqual(tableToRows(arrowToTable(bytes, "rows.arrow")), [
    { model: "a", mood: true, level: 1 },
    { model: "b", level: 2 },
  ]);
});

test("a cut file, another format and a wrong type are named", () => {
  const reads = (bytes: Uint8Array, message: RegExp): void => {
    assert.throws(() => arrowToTable(bytes, "rows.arrow"), { name: "UserError", message });
  };
  const bytes = tableToArrow(made);
  for (let length = 0; length < bytes.length; length += 1)
    reads(bytes.subarray(0, length), /^rows\.arrow is not a whole Arrow IPC file/);
  reads(new TextEncoder().encode("model,ttft_ms\na,1\n"), /^rows\.arrow is not a whole Arrow IPC file/);
  const wrong = tableToIPC(tableFromArrays({ model: Float64Array.of(1), threads: Int32Array.of(2) }), "file");
  reads(wrong, /^rows\.arrow row 1: column model must be a string, found 1/);
  assert.throws(() => tableToArrow(table({ ttft_ms: ["fast"] })), {
    name: "UserError",
    message: /column ttft_ms must be a finite number, found 'fast'/,
  });
});
