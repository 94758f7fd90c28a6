import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { estimate } from "../../src/claims/estimate.js";
import { evaluate } from "../../src/claims/evaluate.js";
import {
  crossing,
  derived,
  growth,
  highestRatio,
  longest,
  longestRatio,
  range,
  ratio,
  share,
  slope,
  value,
} from "../../src/claims/measure.js";
import type { Row } from "../../src/record/index.js";

/** What SciPy says (test/fixtures/claims/make.py). */
const golden = JSON.parse(readFileSync("test/fixtures/claims/estimates.json", "utf8")) as {
  ratios: { of: number[]; over: number[]; value: number; interval: [number, number] }[];
  slope: { lengths: number[]; values: number[]; slope: number };
};

// Below six samples the interval is not the bootstrap's but Student's, which is wider.
for (const { of, over, value: expected, interval } of golden.ratios.filter(({ of }) => of.length >= 6))
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
  assert.deepEqual(evaluate(longest("m"), rows), {
    value: 8,
    interval: null,
    bracket: [8, 16],
    samples: 1,
  });
});

test("a ratio of longest prompts is bracketed by what both leave open", () => {
  const bracketOf = (of: Row[]): unknown => {
    const found = evaluate(longestRatio("s", "m"), [...rows, ...of]);
    return "value" in found ? [found.value, found.bracket] : found;
  };
  const endless: Row[] = [{ model: "s", prompt_tokens: 32, ttft_ms: 1 }];
  assert.deepEqual(bracketOf(endless), [4, [2, Infinity]]);
  assert.deepEqual(bracketOf([...endless, { model: "s", prompt_tokens: 64, status: "oom" }]), [4, [2, 8]]);
});

test("a prompt longer than one that ran out of memory leaves no longest one", () => {
  assert.equal(
    valueOf(longest("m"), [...rows, { model: "m", prompt_tokens: 32 }]),
    "longest prompt of m on which its rows agree: 16 tokens ran out of memory, and 32 ran",
  );
});

test("a span is not every length unless both ends and no large gap are there", () => {
  const at = (...lengths: number[]): Row[] =>
    lengths.map((prompt_tokens) => ({ model: "m", prompt_tokens, ttft_ms: 2 ** -prompt_tokens }));
  const over = (span: [number, number], ...lengths: number[]): unknown =>
    valueOf(range({ metric: "ttft_ms", model: "m", span }), at(...lengths));
  assert.deepEqual(over([1, 16], 1, 4, 16), [2 ** -16, 2 ** -1]);
  assert.deepEqual(over([2, 8], 1, 2, 8, 16), [2 ** -8, 2 ** -2], "only what lies in it counts");
  assert.equal(over([1, 16], 1, 4), "ttft_ms of m at 16 tokens");
  assert.match(
    over([1, 16], 1, 16) as string,
    /^ttft_ms of m between 1 and 16 tokens, a factor of more than 4 apart$/,
  );
  const lowest = value({ metric: "ttft_ms", model: "m", span: [1, 16], across: "lowest" });
  assert.equal(valueOf(lowest, at(1)), "ttft_ms of m at 16 tokens");
});

test("tasks are all there or it is said which are not", () => {
  const mean = value({ metric: "accuracy_pct", model: "m", tasks: ["a", "b"], across: "mean" });
  const score = (task: string, accuracy_pct: number): Row => ({ model: "m", task, accuracy_pct });
  assert.equal(valueOf(mean, [score("a", 10), score("b", 30), score("c", 90)]), 20);
  assert.equal(valueOf(mean, [score("a", 10), score("c", 90)]), "accuracy_pct of m on b");
});

test("up to: the highest ratio among common lengths below one", () => {
  const more: Row[] = [2, 4, 8].map((prompt_tokens) => ({ model: "s", prompt_tokens, ttft_ms: 1 }));
  assert.equal(valueOf(highestRatio("ttft_ms", "m", "s", 8), [...rows, ...more]), 8);
  assert.equal(valueOf(highestRatio("ttft_ms", "m", "s", 4), [...rows, ...more]), 2);
  assert.equal(
    valueOf(highestRatio("ttft_ms", "m", "s", 2), [...rows, ...more]),
    "ttft_ms of m and of s at a length below 2 tokens",
  );
});

test("fewer than five samples have no interval, five have Student's, which is wide", () => {
  const some = (n: number): Row[] => Array.from({ length: n }, (_, i) => ({ model: "m", ttft_ms: 10 + i }));
  const intervalOf = (n: number) => {
    const found = evaluate(value({ metric: "ttft_ms", model: "m" }), some(n));
    return "interval" in found && found.interval;
  };
  assert.equal(intervalOf(4), null);
  const [lo, hi] = intervalOf(5) as [number, number];
  assert.ok(lo > 9.5 && lo < 10.5 && hi > 13.5 && hi < 14.5, `${lo} to ${hi}`);
});

test("a quotient by 0 is no value, and an end of a crossing that is open is no length", () => {
  const zeros: Row[] = [{ model: "z", prompt_tokens: 2, ttft_ms: 0 }];
  assert.equal(valueOf(ratio("ttft_ms", "z", "z", 2), zeros), "finite value: ttft_ms of z at 2 tokens is 0");
  assert.equal(
    valueOf(
      derived(() => NaN),
      zeros,
    ),
    "finite value: it is NaN",
  );
  const lower: Row[] = [2, 4].map((prompt_tokens) => ({ model: "s", prompt_tokens, ttft_ms: 1 }));
  assert.deepEqual(valueOf(crossing("ttft_ms", "m", "s"), [...rows, ...lower]), [-Infinity, 2]);
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
