import assert from "node:assert/strict";
import { AssertionError } from "node:assert";
import { test } from "node:test";
import { expectCrossover } from "../../src/claims/expect-crossover.js";
import { loadPaper, tableToRows, type Row } from "../../src/record/index.js";

const paper = loadPaper("latency").filter((row: { figure: string }) => row.figure === "6b");
const rows = tableToRows(paper);

test("the paper's rows have Mamba2-780m lower only beyond 24576 tokens, fitted or interpolated", () => {
  for (const method of ["fitted", "interpolated"] as const) {
    const found = expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", paper, { method });
    found.estimateBetween(24576, 32768).lowerAbove("mamba2-780m");
    assert.equal(found.result.method, method);
  }
  const isShort = (row: Row): boolean => row.prompt_tokens! <= 24576;
  expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", rows.filter(isShort), { method: "interpolated" })
    .none()
    .none("qwen2.5-0.5b");
});

test("without rows the paper's own are taken, of the figure that sweeps the metric", () => {
  const qwen = "qwen2.5-0.5b";
  const found = expectCrossover(qwen, "mamba2-780m", "ttft_ms").lowerAbove("mamba2-780m");
  assert.deepEqual(
    found.result,
    expectCrossover(qwen, "mamba2-780m", "ttft_ms", rows).result,
    "those of Figure 6b",
  );
  expectCrossover(qwen, "mamba2-780m", "energy_j", null, { method: "interpolated" }).between(16384, 24576);
});

test("between takes the whole interval, estimateBetween the estimate, none what is extrapolated", () => {
  const fitted = expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", paper);
  assert.throws(
    () => fitted.between(24576, 32768),
    /^AssertionError.*: expected one crossing between 24576 and 32768 tokens, with its interval, found: /,
  );
  fitted.between(16000, 110000).estimateBetween(24576, 32768);
  const interpolated = expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", paper, {
    method: "interpolated",
  });
  interpolated.between(24576, 32768);
  assert.throws(() => interpolated.between(25000, 32768), AssertionError);
  const short = expectCrossover(
    "qwen2.5-0.5b",
    "mamba2-780m",
    "ttft_ms",
    rows.filter(({ prompt_tokens }) => prompt_tokens! <= 24576),
  );
  assert.equal(short.result.state, "extrapolated");
  short.none().none("qwen2.5-0.5b");
  assert.throws(() => short.none("mamba2-780m"), AssertionError);
  assert.throws(() => short.between(1, Infinity), AssertionError);
});

test("a failure says what was expected and what was found", () => {
  const found = expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", rows, { method: "interpolated" });
  const fails = (act: () => unknown, expected: RegExp): void => {
    assert.throws(act, (error) => {
      assert.ok(error instanceof AssertionError);
      assert.match(error.message, expected);
      assert.match(
        error.message,
        /found: Interpolated between single samples, the TTFT of qwen2\.5-0\.5b .* 27,383 tokens/,
      );
      return true;
    });
  };
  fails(
    () => found.between(1024, 8192),
    /^expected one crossing between 1024 and 8192 tokens, with its interval, /,
  );
  fails(
    () => found.estimateBetween(1024, 8192),
    /^expected one crossing between 1024 and 8192 tokens, found/,
  );
  fails(() => found.none(), /^expected no crossing in range, /);
  fails(() => found.none("mamba2-780m"), /^expected mamba2-780m lower at every measured length, /);
  fails(() => found.lowerAbove("qwen2.5-0.5b"), /^expected one crossing with qwen2\.5-0\.5b lower above, /);
});

test("rows that cannot be compared are the user's error, not a failed assertion", () => {
  assert.throws(() => expectCrossover("qwen2.5-0.5b", "mamba-9", "ttft_ms", rows), {
    name: "UserError",
    message: "no series has model mamba-9: there is qwen2.5-0.5b",
  });
  assert.throws(() => expectCrossover("qwen2.5-0.5b", "mamba2-780m", "model", rows), { name: "UserError" });
});
