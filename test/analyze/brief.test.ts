import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, summarize } from "../../src/analyze/index.js";
import { loadPaper } from "../../src/record/index.js";

test("settings that all rows share are left out, the model and what differs stay", () => {
  const table = summarize(loadPaper("latency").filter((row: { figure: string }) => row.figure === "6b"));
  const short = brief(table);
  assert.equal(short.numRows(), table.numRows());
  assert.deepEqual(
    table
      .columnNames()
      .filter((name) => !short.columnNames().includes(name))
      .slice(0, 3),
    ["kind", "campaign", "weights"],
  );
  for (const name of ["model", "family", "dtype", "prompt_tokens", "ttft_ms"])
    assert.ok(short.columnNames().includes(name), name);
  assert.ok(brief(short.slice(0, 1)).columnNames().includes("model"));
});
