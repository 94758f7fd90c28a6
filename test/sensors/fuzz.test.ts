import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./fuzz.js";

test("two seconds of garbage: no throw, nothing slow, no value that is no number", () => {
  const { inputs, readings } = fuzz(2, 7);
  assert.ok(inputs > 200 && readings > 50, `${inputs} inputs, ${readings} readings`);
});
