import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertAnchors } from "../../src/ort/api.js";
import { API_INDEX } from "../../src/ort/api-index.js";
import { apiIndexSource } from "../../src/ort/generate-api-index.js";

const ROOT = join(import.meta.dirname, "../..");
const TABLE = join(ROOT, "../shared/reference/ort-c-api.json");

test(
  "api-index.ts is what its generator writes",
  { skip: !existsSync(TABLE) && "no reference table" },
  () => {
    const table = JSON.parse(readFileSync(TABLE, "utf8")) as Record<string, number>;
    assert.equal(readFileSync(join(ROOT, "src/ort/api-index.ts"), "utf8"), apiIndexSource(table));
  },
);

test("the generator refuses a table with a hole", () => {
  assert.throws(() => apiIndexSource({ CreateStatus: 0, GetErrorMessage: 2 }), RangeError);
});

test("the anchors hold, and a table that is off by one is noticed", () => {
  assertAnchors();
  const shifted = Object.fromEntries(
    Object.entries(API_INDEX).map(([name, index]) => [name, index > 150 ? index + 1 : index]),
  );
  assert.throws(() => {
    assertAnchors(shifted);
  }, /GetCurrentGpuDeviceId must be at 161, not 162/);
});
