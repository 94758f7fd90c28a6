import assert from "node:assert/strict";
import { test } from "node:test";
import { suggest } from "../../src/ort/suggest.js";

test("few names are listed, of many the nearest are", () => {
  assert.equal(suggest("x", []), "there are none");
  assert.equal(suggest("ids", ["input_ids", "past"]), 'there are "input_ids", "past"');
  const names = Array.from({ length: 24 }, (_, layer) => `past_key_${layer}`);
  assert.equal(
    suggest("past_kye_7", names),
    'of 24 names the nearest are "past_key_7", "past_key_0", "past_key_1"',
  );
});
