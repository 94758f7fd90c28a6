import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, marked, sentencesOf } from "../../src/cli/compare.js";
import type { Row } from "../../src/record/index.js";
import { normal, simulate, tableOf } from "../analyze/samples.js";

const LENGTHS = [128, 256, 512, 1024, 2032];

/** Memory as `npm start` finds it: the Transformer's cache and the SSM's work space, which ends with the segment. */
function memoryRows(): Row[] {
  const of = (model: string, family: Row["family"] & string, bytes: (length: number) => number): Row[] =>
    LENGTHS.map((prompt_tokens) => ({
      model,
      family,
      prompt_tokens,
      prefill: "chunked",
      segment_tokens: 1024,
      total_bytes: bytes(prompt_tokens),
    }));
  return [
    ...of("attention", "transformer", (length) => 500e6 + 70e3 * length + 85e3 * Math.min(length, 1024)),
    ...of("state-space", "ssm", (length) => 535e6 + 130e3 * Math.min(length, 1024)),
  ];
}

test("memory kinks at the segment that the rows name, so that its crossing is exact", () => {
  const comparison = compare(tableOf(memoryRows()), "total_bytes");
  const [attention, ssm] = comparison.fits;
  assert.deepEqual([attention!.form, attention!.breakTokens], ["linear+kink", 1024]);
  assert.ok(Math.abs(attention!.coefficients.d! - 70e3) < 1);
  assert.ok(Math.abs(ssm!.coefficients.d!) < 1);
  // 500e6 + 155e3 L = 535e6 + 130e3 L at 1400, beyond the kink: 587.04e6 + 70e3 L = 668.12e6.
  const [crossing] = marked(comparison);
  assert.equal(crossing!.state, "crossing");
  assert.ok(Math.abs((crossing as { tokens: number }).tokens - (668.12e6 - 587.04e6) / 70e3) < 1);
});

test("a form that the caller names, and rows without a segment, have no kink of their own", () => {
  const whole = memoryRows().map((row): Row => ({ ...row, prefill: "monolithic", segment_tokens: null }));
  assert.equal(compare(tableOf(whole), "total_bytes").fits[0]!.form, "linear");
  const short = memoryRows().filter(({ prompt_tokens }) => prompt_tokens! <= 1024);
  assert.equal(compare(tableOf(short), "total_bytes").fits[0]!.form, "linear");
});

test("samples that are told apart where the curves are not get their own sentence and mark", () => {
  const draw = normal(5);
  // Both jump up and down by a third from length to length, so that no curve is certain; their ratio crosses 1 all the same.
  const rows = LENGTHS.flatMap((length, i) => {
    const both = 0.03 * length * (i % 2 ? 1.3 : 0.7);
    const ofOne = (model: string, family: Row["family"] & string, ms: number): Row[] =>
      simulate(model, [ms, 0, 0], { noise: 0.002, draw, lengths: [length] }).map((row) => ({
        ...row,
        family,
      }));
    return [
      ...ofOne("attention", "transformer", both),
      ...ofOne("state-space", "ssm", both * (1.1 - i * 0.05)),
    ];
  });
  const comparison = compare(tableOf(rows), "ttft_ms");
  const [{ fitted, interpolated, note }] = comparison.crossovers as [(typeof comparison.crossovers)[0]];
  assert.equal(fitted.state, "not-separable");
  assert.equal(interpolated?.state, "crossing");
  assert.match(note!, /^The fitted curves are not separable; the samples themselves cross at/);
  assert.deepEqual(marked(comparison), [interpolated]);
  const [first, second, ...more] = sentencesOf(comparison);
  assert.match(first!, /is not separable/);
  assert.match(second!, /^Interpolated between measured lengths, the TTFT of attention crosses/);
  assert.deepEqual(more, []);
});

test("what cannot be fitted is said in the sentence", () => {
  const one = memoryRows().filter(({ prompt_tokens }) => prompt_tokens === 128);
  assert.match(sentencesOf(compare(tableOf(one), "total_bytes"))[0]!, /^No statement on total_bytes: /);
});
