import assert from "node:assert/strict";
import type { ColumnTable } from "arquero";

/** Asserts that two tables have the same columns in the same order and the same cells, arrays by their values. */
export function tableEqual(actual: ColumnTable, expected: ColumnTable): void {
  assert.deepEqual(actual.columnNames(), expected.columnNames());
  assert.equal(actual.numRows(), expected.numRows());
  for (const name of expected.columnNames())
    assert.deepEqual(actual.array(name), expected.array(name), `column ${name}`);
}
