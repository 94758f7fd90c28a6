import assert from "node:assert/strict";
import { test } from "node:test";
import { scalingFigure } from "../../src/figures/index.js";
import { rowsToTable, toDanfo, type Row } from "../../src/record/index.js";
import { MEASURED_WITH_GAPS } from "./points.js";

test("a list, an arquero table and a danfo.js frame give the same figure", async () => {
  const table = rowsToTable(MEASURED_WITH_GAPS as readonly Row[]);
  const frame = await toDanfo(table);
  assert.deepEqual(scalingFigure(table), scalingFigure(MEASURED_WITH_GAPS));
  assert.deepEqual(scalingFigure(frame), scalingFigure(MEASURED_WITH_GAPS));
});
