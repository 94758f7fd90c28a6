import assert from "node:assert/strict";
import { test } from "node:test";
import { breakEvenBatch, speedup } from "../../src/analyze/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { fiellerInterval, median, medianRatioInterval, randomIndex } from "../../src/stats/index.js";
import { normal, paperRows, tableOf } from "./samples.js";

const samples = (row: Row, ttfts: readonly number[]): Row[] =>
  ttfts.map((ttft_ms) => ({ kind: "latency", device: "gpu", batch: 1, ...row, ttft_ms }));
const SLOW = [40, 41, 43, 40, 44];
const FAST = [10, 11, 10, 12, 10.5];
const rows = [
  ...samples({ model: "slow", prompt_tokens: 512 }, SLOW),
  ...samples({ model: "fast", prompt_tokens: 512 }, FAST),
  ...samples({ model: "fast", prompt_tokens: 1024 }, FAST),
];
const refused = (act: () => unknown, message: string | RegExp): void => {
  assert.throws(act, { name: "UserError", message });
};

test("the speedup is the baseline over the value, at every length that both have", () => {
  const table = speedup(tableOf(rows), { metric: "ttft_ms", baseline: "slow" });
  const [lo, hi] = medianRatioInterval(SLOW, FAST, {
    replicates: 2000,
    confidence: 0.95,
    random: randomIndex(1),
  })!;
  assert.deepEqual(table.objects(), [
    {
      kind: "latency",
      model: "fast",
      device: "gpu",
      batch: 1,
      prompt_tokens: 512,
      metric: "ttft_ms",
      baseline: "slow",
      statistic: "median",
      value: median(FAST),
      value_n: 5,
      baseline_value: median(SLOW),
      baseline_n: 5,
      speedup: median(SLOW) / median(FAST),
      speedup_lo: lo,
      speedup_hi: hi,
    },
  ]);
});

test("means have Fieller's interval", () => {
  const table = speedup(tableOf(rows), { metric: "ttft_ms", baseline: "slow", statistic: "mean" });
  const [lo, hi] = fiellerInterval(SLOW, FAST)!;
  assert.deepEqual([table.get("speedup_lo", 0), table.get("speedup_hi", 0)], [lo, hi]);
});

test("of a rate more is better", () => {
  const rates = rows.map(({ ttft_ms, ...row }) => ({ ...row, decode_tokens_per_s: 1000 / ttft_ms! }));
  const table = speedup(tableOf(rates), { metric: "decode_tokens_per_s", baseline: "slow" });
  assert.ok(Math.abs((table.get("speedup", 0) as number) - median(SLOW) / median(FAST)) < 1e-12);
});

test("a baseline may be a setting: models are then compared with themselves", () => {
  const both = rows.flatMap((row) => [
    { ...row, lowering: "plain" },
    { ...row, lowering: "fused", ttft_ms: row.ttft_ms! / 2 },
  ]);
  const table = speedup(tableOf(both), { metric: "ttft_ms", baseline: { lowering: "plain" } });
  assert.deepEqual(table.array("speedup"), [2, 2, 2]);
  assert.deepEqual(table.array("baseline"), ["plain", "plain", "plain"]);
  refused(
    () => speedup(tableOf(both), { metric: "ttft_ms", baseline: "slow" }),
    '"slow" names 2 cells at 512 tokens, which differ in lowering: name one, such as {"model":"slow","lowering":"plain"}',
  );
});

test("the paper's ratios: 1.88 for Qwen at 1024 tokens, 2.65 for Mamba2 at 32768; one sample has no interval", () => {
  const figure1 = loadPaper("latency").filter((row: Row) => row.figure === "1");
  const table = speedup(figure1, { metric: "ttft_ms", baseline: "qwen2.5-0.5b" });
  assert.deepEqual(table.array("prompt_tokens"), [1024, 32768]);
  const found = table.array("speedup") as number[];
  assert.deepEqual([(1 / found[0]!).toFixed(3), found[1]!.toFixed(3)], ["1.881", "2.648"]);
  assert.deepEqual(table.array("speedup_lo"), [null, null]);
});

test("what cannot be compared is refused in one sentence", () => {
  refused(
    () => speedup(tableOf(paperRows()), { metric: "ttft_ms", baseline: "qwen" }),
    'no row has model "qwen": the rows have "qwen2.5-0.5b-instruct"; "mamba2-780m"',
  );
  const lone = tableOf(samples({ model: "slow", prompt_tokens: 512 }, SLOW));
  refused(() => speedup(lone, { metric: "ttft_ms", baseline: "slow" }), /^nothing is compared with "slow"/);
  refused(
    () => speedup(lone, { metric: "tpot_ms", baseline: "slow" }),
    /no row is left with tpot_ms: of 5 rows/,
  );
  refused(
    () => speedup(lone, { metric: "model", baseline: "slow" }),
    /metric is model: it must be a column of/,
  );
  const statistic = "mode" as "mean";
  refused(
    () => speedup(lone, { metric: "ttft_ms", baseline: "slow", statistic }),
    "statistic is mode: it must be median or mean",
  );
});

/** Five samples of TPOT at every batch; a step costs a fixed part and a part a sequence. */
const steps = (model: string, fixed: number, each: number, batches = [1, 2, 4, 8, 16, 32]): Row[] => {
  const draw = normal(fixed * 7 + 1);
  return batches.flatMap((batch) =>
    Array.from({ length: 7 }, () => ({
      kind: "latency",
      device: "gpu",
      model,
      batch,
      prompt_tokens: 4096,
      tpot_ms: (fixed + each * batch) * (1 + 0.01 * draw()),
    })),
  );
};

test("the break-even batch lies between the batches where the order turns", () => {
  // 6 + 0.2 n = 2 + 0.6 n at n = 10.
  const table = breakEvenBatch(tableOf([...steps("ssm", 6, 0.2), ...steps("transformer", 2, 0.6)]), {
    a: "ssm",
    b: "transformer",
  });
  const found = table.object(0) as Record<string, unknown>;
  assert.equal(found["state"], "from-batch");
  assert.deepEqual([found["batch_before"], found["batch_from"], found["batches"]], [8, 16, 6]);
  const [lo, at, hi] = ["break_even_batch_lo", "break_even_batch", "break_even_batch_hi"].map(
    (name) => found[name] as number,
  ) as [number, number, number];
  assert.ok(lo < at && at < hi && at > 9 && at < 11, `${lo} ${at} ${hi}`);
});

test("a side that is better throughout, or never, or not for sure is called so", () => {
  const stateOf = (a: Row[], b: Row[]): unknown =>
    breakEvenBatch(tableOf([...a, ...b]), { a: "a", b: "b" }).get("state", 0);
  assert.equal(stateOf(steps("a", 1, 0.1), steps("b", 2, 0.2)), "every-batch");
  assert.equal(stateOf(steps("a", 2, 0.2), steps("b", 1, 0.1)), "no-batch");
  const same = steps("a", 1, 1);
  assert.equal(
    stateOf(
      same,
      same.map((row) => ({ ...row, model: "b" })),
    ),
    "not-separable",
  );
});

test("of two equal sides with few samples, one is rarely called better", () => {
  const draw = normal(3);
  const trials = 150;
  for (const n of [2, 3]) {
    let winners = 0;
    for (let trial = 0; trial < trials; trial++) {
      const side = (model: string): Row[] =>
        [1, 2, 4, 8].flatMap((batch) =>
          Array.from({ length: n }, () => ({ model, batch, tpot_ms: 10 * (1 + 0.02 * draw()) })),
        );
      const found = breakEvenBatch([...side("a"), ...side("b")], { a: "a", b: "b", replicates: 100 });
      if (found.get("state", 0) !== "not-separable") winners++;
    }
    // Five in a hundred, by chance up to ten; a bootstrap of two samples calls 36.
    assert.ok(winners / trials < 0.1, `${n}: ${winners} of ${trials}`);
  }
});

test("a break-even needs batches and samples", () => {
  const few = (batches: number[]): Row[] => [...steps("a", 1, 1, batches), ...steps("b", 2, 1, batches)];
  refused(
    () => breakEvenBatch(tableOf(few([4])), { a: "a", b: "b" }),
    '"a" and "b" were both measured at 1 batch(es): a break-even batch needs at least two',
  );
  const single = few([1, 2]).filter(
    (row, i, all) =>
      row.model === "a" || all.findIndex((other) => other.model === "b" && other.batch === row.batch) === i,
  );
  refused(
    () => breakEvenBatch(tableOf(single), { a: "a", b: "b" }),
    'at batch 1 there are 7 sample(s) of "a" and 1 of "b": an interval needs at least two of each',
  );
  const apart = [
    ...few([1, 2]).filter(({ model }) => model === "a"),
    ...steps("b", 1, 1).map((row) => ({ ...row, prompt_tokens: 1 })),
  ];
  refused(
    () => breakEvenBatch(tableOf(apart), { a: "a", b: "b" }),
    /"a" and "b" are not compared: no rows of both/,
  );
});
