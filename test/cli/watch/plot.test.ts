import assert from "node:assert/strict";
import { test } from "node:test";
import { blockPlot } from "../../../src/cli/watch/plot.js";

test("eighths of a cell from the lowest to the highest, the newest on the right", () => {
  assert.deepEqual(blockPlot([0, 1, 2, 3, 4, 5, 6, 7], 8, 1), ["▁▂▃▄▅▆▇█"]);
  assert.deepEqual(blockPlot([0, 15, 7, 8], 4, 2), [" █ ▁", "▁███"]);
  assert.deepEqual(blockPlot([1, 2, 3], 2, 1), ["▁█"], "the oldest go");
  assert.deepEqual(blockPlot([5], 3, 1), ["  ▁"], "the first is on the right");
});

test("what is missing is empty, what does not change is low, nothing is blank", () => {
  assert.deepEqual(blockPlot([1, null, 2], 3, 1), ["▁ █"]);
  assert.deepEqual(blockPlot([4, 4], 2, 2), ["  ", "▁▁"]);
  assert.deepEqual(blockPlot([], 3, 2), ["   ", "   "]);
  assert.deepEqual(blockPlot([null], 1, 1), [" "]);
});
