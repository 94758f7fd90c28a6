import assert from "node:assert/strict";
import { test } from "node:test";
import { fromDanfo, toDanfo } from "../../src/record/danfo.js";
import { rowsToTable } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS } from "./sample-rows.js";

test("a table survives danfo.js, whose statistics skip the gaps", async () => {
  const made = rowsToTable([...SAMPLE_ROWS, { model: "a", ttft_ms: 15.5 }]);
  const frame = await toDanfo(made);
  assert.deepEqual(frame.shape, [5, made.numCols()]);
  assert.deepEqual(frame.columns, made.columnNames());
  assert.equal(frame.column("ttft_ms").mean(), (14.31384903844446 + 15.5) / 2);
  assert.deepEqual((frame.column("ttft_ms").values as number[]).slice(0, 2), [14.31384903844446, NaN]);
  assert.doesNotThrow(() => frame.describe(), "it throws on null");
  assert.equal(frame.head(2).shape[0], 2);
  tableEqual(fromDanfo(frame), made);
});

test("a frame of danfo's own becomes a table, and a wrong type is named", async () => {
  const { DataFrame } = await import("danfojs-node");
  const read = fromDanfo(new DataFrame({ ttft_ms: [1, NaN], model: ["a", undefined], mood: ["x", "y"] }));
  tableEqual(
    read,
    rowsToTable([
      { model: "a", ttft_ms: 1, ...{ mood: "x" } },
      { model: null, ...{ mood: "y" } },
    ]),
  );
  assert.throws(() => fromDanfo(new DataFrame({ ttft_ms: ["fast"] })), {
    name: "UserError",
    message: /^Row 0 of the data frame: column ttft_ms must be a finite number, found 'fast'/,
  });
});
