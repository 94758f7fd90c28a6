import assert, { AssertionError } from "node:assert/strict";
import { test } from "node:test";
import { claims, defineClaim, describeClaim, expectClaim, measure } from "../../src/claims/index.js";
import { samples, tableOf } from "./rows.js";

const rows = tableOf(
  samples("gpt-neo-125m", "ttft_ms", { 512: 40, 1024: 90 }),
  samples("mamba-130m", "ttft_ms", { 512: 50, 1024: 60 }),
);

test("a claim of the paper as a test, by its rows and by one's own", () => {
  assert.equal(expectClaim("H003").reproduced().id, "H003");
  expectClaim("H006").contradictedByOwnData();
  expectClaim("H003", rows).noData();
  const device = tableOf(
    samples("qwen2.5-0.5b", "ttft_ms", { 32768: 40 }),
    samples("mamba2-780m", "ttft_ms", { 32768: 100 }),
  );
  expectClaim("H003", device).notReproducedHere();
});

test("a failed expectation shows what is stated, recomputed and found here", () => {
  const device = tableOf(
    samples("qwen2.5-0.5b", "ttft_ms", { 32768: 150 }),
    samples("mamba2-780m", "ttft_ms", { 32768: 100 }),
  );
  assert.throws(
    () => expectClaim("H003", device).reproduced(),
    (error: unknown) => {
      assert.ok(error instanceof AssertionError);
      assert.equal(error.actual, "not-reproduced-here");
      assert.equal(error.expected, "reproduced");
      assert.match(
        error.message,
        /^expected reproduced, H003 is not-reproduced-here: mamba2-780m has 2\.65 times/,
      );
      assert.match(
        error.message,
        /\n {2}stated 2\.65x, recomputed 2\.648x, here 1\.5x \(1\.495 to 1\.506x\)\n/,
      );
      assert.match(
        error.message,
        /On NVIDIA H200, fp16: 1\.5x \(95 % interval .*the direction is the same\./,
      );
      assert.match(error.message, /\n {2}Figure 6b, the same setting: 1\.723x$/);
      return true;
    },
  );
});

test("a claim of one's own is judged the same way", () => {
  const faster = defineClaim({
    id: "faster",
    claim: "mamba-130m reads 1024 tokens in two thirds of gpt-neo-125m's time",
    stated: 1.5,
    unit: "x",
    measure: measure.ratio("ttft_ms", "gpt-neo-125m", "mamba-130m", 1024),
  });
  const { reason, recomputed } = expectClaim(faster, rows).reproduced();
  assert.equal(recomputed, null, "the paper published no TTFT of these models without a profiler");
  assert.match(reason, /^The paper published no ttft_ms of gpt-neo-125m at 1024 tokens/);
  const crossing = defineClaim({
    id: "crossing",
    claim: "they cross between 512 and 1024 tokens",
    stated: 700,
    unit: "tokens",
    measure: measure.crossing("ttft_ms", "gpt-neo-125m", "mamba-130m"),
  });
  expectClaim(crossing, rows).reproduced();
  const shorter = defineClaim({
    id: "bound",
    claim: "mamba-130m reads 1024 tokens in less than 50 ms",
    unit: "ms",
    measure: measure.value({ metric: "ttft_ms", model: "mamba-130m", tokens: 1024 }),
    accept: { rule: "at-most", bound: 50 },
  });
  expectClaim(shorter, rows).notReproducedHere();
  assert.equal(claims(rows, { of: [faster, crossing, shorter] }).numRows(), 3);
});

test("a published number stands in where none is stated, for other rows but not for itself", () => {
  const accuracy = (pct: number) =>
    tableOf(
      ["mmlu", "hellaswag", "winogrande", "arc_c", "truthfulqa"].map((task) => ({
        kind: "accuracy",
        model: "qwen2.5-1.5b",
        task,
        accuracy_pct: pct,
      })),
    );
  expectClaim("H016").noData();
  expectClaim("H016", accuracy(60)).reproduced();
  expectClaim("H016", accuracy(30)).notReproducedHere();
});

test("definitions that make no sense are refused", () => {
  const definition = { id: "x", claim: "c", measure: null };
  assert.throws(() => defineClaim({ ...definition, id: " " }), /the id of the claim "c" is empty/);
  assert.throws(
    () => defineClaim({ ...definition, stated: NaN }),
    /claim x states NaN: it must state a finite number/,
  );
});

test("a claim that states no number is near to none", () => {
  const words = { id: "x", claim: "faster", measure: measure.value({ metric: "ttft_ms" }) };
  assert.throws(() => defineClaim(words), {
    name: "UserError",
    message: /^claim x states no number to be near to: it must state one, name the figure whose rows/,
  });
  defineClaim({ ...words, stated: 3 });
  defineClaim({ ...words, accept: { rule: "at-most", bound: 3 } });
  // The figure is named, but it publishes none.
  const { verdict, reason } = expectClaim(
    defineClaim({
      ...words,
      figure: "6b",
      measure: measure.value({ metric: "ttft_ms", model: "mamba-130m", tokens: 512 }),
    }),
    rows,
  ).result;
  assert.equal(verdict, "no-data");
  assert.match(reason, /but there is no number to hold it against\.$/);
});

test("a stated number in scientific notation has the digits that it is written with", () => {
  const tiny = (stated: number) =>
    expectClaim(
      defineClaim({
        id: "tiny",
        claim: "it takes that many milliseconds",
        stated,
        unit: "ms",
        measure: measure.value({ metric: "ttft_ms", model: "mamba-130m", tokens: 512 }),
      }),
      rows,
    ).result;
  assert.equal(tiny(1e-7).here!.agrees, false, "50 ms are no 1e-7 ms");
  const [least, most] = tiny(1e-7).here!.accepted!;
  assert.ok(least > 0.4e-7 && most < 1.6e-7, `${least} to ${most}`);
});

test("a claim without a measure says why", () => {
  const { result } = expectClaim("H002", rows);
  assert.match(
    describeClaim(result),
    /No row, published or measured, can tell\. It names neither models nor a length/,
  );
});
