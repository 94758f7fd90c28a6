import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { estimate } from "../../src/claims/estimate.js";
import { evaluate } from "../../src/claims/evaluate.js";
import { derived, growth, longest, range, ratio, share, slope, value } from "../../src/claims/measure.js";
import type { Row } from "../../src/record/index.js";

/** What SciPy says (test/fixtures/claims/make.py). */
const golden = JSON.parse(readFileSync("test/fixtures/claims/estimates.json", "utf8")) as {
  ratios: { of: number[]; over: number[]; value: number; interval: [number, number] }[];
  slope: { lengths: number[]; values: number[]; slope: number };
};

for (const { of, over, value: expected, interval } of golden.ratios)
  test(`a ratio of medians of ${of.length} samples and its interval are SciPy's`, () => {
    const groups = [of, over].map((values) => ({ tokens: null, values }));
    const found = estimate(groups, ([a, b]) => a! / b!);
    assert.ok(Math.abs((found.value as number) / expected - 1) < 1e-12);
    const width = interval[1] - interval[0];
    // 1000 replicates place an end of the interval to about a tenth of its width.
    for (const end of [0, 1] as const)
      assert.ok(
        Math.abs(found.interval![end] - interval[end]) < 0.15 * width,
        `${found.interval!.join()} not ${interval.join()}`,
      );
    assert.equal(found.samples, of.length);
  });

test("a slope is Theil and Sen's: one outlying length does not move it", () => {
  const { lengths, values, slope: expected } = golden.slope;
  const rows = lengths.map((prompt_tokens, i): Row => ({
    model: "m",
    prompt_tokens,
    total_bytes: values[i]!,
  }));
  const found = evaluate(slope({ metric: "total_bytes", model: "m" }), rows);
  assert.ok("value" in found && Math.abs((found.value as number) / expected - 1) < 1e-12);
});

const rows: Row[] = [
  { model: "m", prompt_tokens: 8, ttft_ms: 4, kv_cache_bytes: 1, total_bytes: 8 },
  { model: "m", prompt_tokens: 2, ttft_ms: 2 },
  { model: "m", prompt_tokens: 4, ttft_ms: 8 },
  { model: "m", prompt_tokens: 16, status: "oom", ttft_ms: 1 },
];
const valueOf = (...args: Parameters<typeof evaluate>): unknown => {
  const found = evaluate(...args);
  return "value" in found ? found.value : found.missing;
};

test("ranges go by value, growth by length, shares are in %, scales multiply", () => {
  assert.deepEqual(valueOf(range({ metric: "ttft_ms", model: "m" }), rows), [2, 8]);
  assert.deepEqual(valueOf(growth({ metric: "ttft_ms", model: "m" }), rows), [2, 4]);
  assert.equal(valueOf(share("kv_cache_bytes", "total_bytes", "m", 8), rows), 12.5);
  assert.equal(valueOf(value({ metric: "ttft_ms", tokens: 4, scale: 1e-3 }), rows), 0.008);
  assert.equal(valueOf(value({ metric: "ttft_ms", across: "lowest" }), rows), 2);
  assert.equal(valueOf(value({ metric: "ttft_ms", across: "mean" }), rows), 14 / 3);
  assert.deepEqual(evaluate(longest("m"), rows), { value: 8, interval: [8, 16], samples: 1 });
});

test("limits make a ratio only where memory was seen to end", () => {
  const endless: Row[] = [{ model: "s", prompt_tokens: 32, ttft_ms: 1 }];
  const measure = ratio("max_prompt_tokens", "s", "m");
  assert.equal(valueOf(measure, [...rows, ...endless]), "max_prompt_tokens of s");
  const ended: Row[] = [...endless, { model: "s", prompt_tokens: 64, status: "oom" }];
  assert.equal(valueOf(measure, [...rows, ...ended]), 4);
});

test("what is missing is said: the reading, a second length, which of several", () => {
  assert.equal(
    valueOf(ratio("tpot_ms", "m", "s", 8), rows),
    "tpot_ms of m at 8 tokens and no tpot_ms of s at 8 tokens",
  );
  assert.equal(valueOf(range({ metric: "kv_cache_bytes" }), rows), "kv_cache_bytes at two or more lengths");
  assert.equal(
    valueOf(value({ metric: "ttft_ms", model: "m" }), rows),
    "single ttft_ms of m, but 3 lengths or tasks",
  );
  assert.equal(
    valueOf(
      derived(() => null),
      rows,
    ),
    "row that carries it",
  );
  assert.equal(valueOf(longest("s"), rows), "length that s ran");
});
