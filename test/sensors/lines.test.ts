import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineCutter } from "../../src/sensors/lines.js";

test("lines are the same however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.array(fc.nat({ max: 5 }), { minLength: 1 }),
      (text, sizes) => {
        const bytes = Buffer.from(text.replaceAll("\r", "").replaceAll(" ", "\n"));
        const cutter = new LineCutter();
        const lines: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + sizes[i % sizes.length]! + 1;
          lines.push(...cutter.push(bytes.subarray(at, end)));
          at = end;
        }
        assert.deepEqual([...lines, cutter.rest], bytes.toString().split("\n"));
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

test("Windows' line ends, and a line that never ends", () => {
  const cutter = new LineCutter();
  assert.deepEqual(cutter.push("one\r\ntwo\r"), ["one"]);
  assert.deepEqual(cutter.push("\n"), ["two"]);
  for (let i = 0; i < 100; i++) assert.deepEqual(cutter.push("x".repeat(10_000)), []);
  assert.equal(cutter.rest, "", "nothing is kept of it");
  assert.deepEqual(cutter.push("its end\nthree\n"), ["three"]);
  assert.deepEqual(cutter.push(`${"x".repeat(100_000)}\nfour\n`), ["four"]);
});
