import assert from "node:assert/strict";
import { test } from "node:test";
import { collectOption, parseBytes } from "../../src/cli/parse.js";

test("sizes are read as people write them", () => {
  const sizes = ["8GiB", "8gib", "24GB", "512 MiB", "1.5GiB", "4096", "4096B", "1k"];
  assert.deepEqual(sizes.map(parseBytes), [
    8 * 2 ** 30,
    8 * 2 ** 30,
    24e9,
    2 ** 29,
    1.5 * 2 ** 30,
    4096,
    4096,
    1000,
  ]);
  for (const wrong of ["", "GiB", "-1GiB", "8 TiB", "eight"])
    assert.throws(() => parseBytes(wrong), /is not a size; write e.g. 8GiB/);
});

test("options of the provider gather", () => {
  assert.deepEqual(collectOption("b=2=3", collectOption("a=1")), { a: "1", b: "2=3" });
  for (const wrong of ["a", "=1"]) assert.throws(() => collectOption(wrong), /not of the form key=value/);
});
