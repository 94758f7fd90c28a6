import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { API_INDEX } from "../../../src/ort/api-index.js";

const HEADER = join(import.meta.dirname, "../../../src/ort/ops/ort-abi.h");

test("the operators take functions from where the table has them", () => {
  const body = /enum Index \{([^}]*)\}/.exec(readFileSync(HEADER, "utf8"))![1]!;
  const indices = [...body.matchAll(/(\w+) = (\d+)/g)].map(
    ([, name, index]) => [name!, Number(index)] as const,
  );
  assert.ok(indices.length > 20);
  for (const [name, index] of indices) assert.equal(index, API_INDEX[name as keyof typeof API_INDEX], name);
});
