import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** The cases in test/fixtures/scipy/<name>.json; make.py there wrote them with NumPy and SciPy. */
export function scipyCases<Case>(name: string): Case[] {
  const path = new URL(`../fixtures/scipy/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as Case[];
}

/** Asserts that each number differs from its golden by less than `relative` of the golden (of `floor` near 0). */
export function assertClose(
  actual: readonly (number | null)[],
  golden: readonly (number | null)[],
  relative = 1e-8,
  floor = 0,
): void {
  assert.equal(actual.length, golden.length);
  golden.forEach((expected, i) => {
    const found = actual[i] ?? null;
    if (expected === null || found === null) assert.equal(found, expected, `at ${i}`);
    else {
      const allowed = relative * Math.max(Math.abs(expected), floor);
      assert.ok(Math.abs(found - expected) <= allowed, `at ${i}: ${found}, golden ${expected}`);
    }
  });
}
