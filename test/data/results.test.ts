import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { withResults } from "../../data/results/section.js";

const readme = readFileSync("README.md", "utf8");

test("the README's results are those of the rows in data", () => {
  assert.equal(withResults(readme), readme, "run npm run results");
});

test("only what stands between the marks is written", () => {
  const begin = readme.indexOf("**NVIDIA H200**");
  const without = readme.slice(0, begin) + readme.slice(readme.indexOf("<!-- end of results"));
  assert.equal(withResults(without), readme);
  assert.throws(() => withResults("# Readme\n"), /README.md lacks <!-- results/);
});
