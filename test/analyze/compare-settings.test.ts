import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { compareSettings, markOutliers, sampleStatistics } from "../../src/analyze/index.js";
import type { Row } from "../../src/record/index.js";
import { blockedMedian, median, medianRatioInterval, randomIndex, signFlipP } from "../../src/stats/index.js";
import { normal, tableOf } from "./samples.js";

interface Compared {
  prompt_tokens: number;
  ratio: number;
  ratio_lo: number;
  ratio_hi: number;
  method: string;
  n: number;
  p: number;
  p_holm: number;
  p_same_holm: number;
  verdict: string;
  better: string | null;
}

interface Sampled {
  dtype: string;
  at: number;
  values: readonly number[];
  blocks?: readonly number[];
}

const rowsOf = ({ dtype, at, values, blocks }: Sampled): Row[] =>
  values.map((ttft_ms, repeat) => ({
    kind: "latency",
    model: "m",
    device: "gpu",
    dtype,
    prompt_tokens: at,
    ttft_ms,
    repeat,
    // A column of a later schema.
    ...(blocks && { block: blocks[repeat]! }),
  }));

const compare = (rows: readonly Row[], options: object = {}): Compared[] =>
  compareSettings(tableOf(rows), {
    metric: "ttft_ms",
    a: { dtype: "fp32" },
    b: { dtype: "int8" },
    ...options,
  }).objects() as Compared[];

const draw = normal(7);
const around = (value: number, scatter: number, n: number): number[] =>
  Array.from({ length: n }, () => value * Math.exp(scatter * draw()));

suite("independent samples", () => {
  const a = around(100, 0.01, 12);
  const b = around(80, 0.01, 12);
  const same = around(100, 0.002, 12);
  const alike = around(100.1, 0.002, 12);
  const loose = [around(50, 0.1, 3), around(52, 0.1, 3)] as const;
  const found = compare([
    ...rowsOf({ dtype: "fp32", at: 512, values: a }),
    ...rowsOf({ dtype: "int8", at: 512, values: b }),
    ...rowsOf({ dtype: "fp32", at: 1024, values: same }),
    ...rowsOf({ dtype: "int8", at: 1024, values: alike }),
    ...rowsOf({ dtype: "fp32", at: 2048, values: loose[0] }),
    ...rowsOf({ dtype: "int8", at: 2048, values: loose[1] }),
  ]);

  test("are different, the same, or neither can be said", () => {
    assert.deepEqual(
      found.map(({ prompt_tokens, verdict, better, method, n }) => [
        prompt_tokens,
        verdict,
        better,
        method,
        n,
      ]),
      [
        [512, "different", "b", "samples", 12],
        [1024, "same", null, "samples", 12],
        [2048, "undecided", null, "samples", 3],
      ],
    );
  });

  test("the ratio is b over a, with the interval of two medians", () => {
    const [lo, hi] = medianRatioInterval(b, a, {
      replicates: 2000,
      confidence: 0.95,
      random: randomIndex(1),
    })!;
    assert.deepEqual(
      [found[0]!.ratio, found[0]!.ratio_lo, found[0]!.ratio_hi],
      [median(b) / median(a), lo, hi],
    );
  });

  test("p is raised for the comparisons of the table", () => {
    for (const { p, p_holm } of found) assert.ok(p_holm >= p && p_holm <= 3 * p);
    assert.ok(Math.abs(found[0]!.p_holm / found[0]!.p - 3) < 1e-9, "the smallest by their number");
  });

  test("a rate is better where there is more of it", () => {
    const rates = (values: readonly number[], dtype: string): Row[] =>
      rowsOf({ dtype, at: 1, values }).map(({ ttft_ms, ...row }) => ({
        ...row,
        decode_tokens_per_s: 1000 / ttft_ms!,
      }));
    const [one] = compare([...rates(a, "fp32"), ...rates(b, "int8")], { metric: "decode_tokens_per_s" });
    assert.deepEqual([one!.verdict, one!.better], ["different", "b"]);
  });

  test("values without scatter are told apart, and one sample is not enough", () => {
    const fixed = (bytes: number): Row[] => [
      ...rowsOf({ dtype: "fp32", at: 1, values: [100, 100] }),
      ...rowsOf({ dtype: "int8", at: 1, values: [bytes, bytes] }),
    ];
    assert.deepEqual(
      [100, 101, 130].map((bytes) => compare(fixed(bytes))[0]!.verdict),
      ["same", "same", "different"],
    );
    const single = compare([
      ...rowsOf({ dtype: "fp32", at: 1, values: [100] }),
      ...rowsOf({ dtype: "int8", at: 1, values: [200] }),
    ])[0]!;
    assert.deepEqual([single.ratio, single.ratio_lo, single.p, single.verdict], [2, null, null, "undecided"]);
  });
});

suite("samples of blocks", () => {
  // Blocks differ by far more than the settings: only a comparison within them can tell.
  const blocks = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6];
  const shifts = [1, 1.3, 0.8, 1.5, 1.1, 0.9, 1.2];
  const values = (factor: number): number[] =>
    blocks.map((block, i) => 100 * shifts[block]! * factor * (1 + 0.001 * (i % 3)));
  const [a, b] = [values(1), values(1.06)];
  const rows = (blocked: boolean): Row[] => [
    ...rowsOf({ dtype: "fp32", at: 512, values: a, ...(blocked && { blocks }) }),
    ...rowsOf({ dtype: "int8", at: 512, values: b, ...(blocked && { blocks }) }),
  ];

  test("are compared within blocks, by the signs of the blocks' ratios", () => {
    const [within] = compare(rows(true));
    assert.deepEqual(
      [within!.method, within!.n, within!.verdict, within!.better],
      ["blocks", 7, "different", "a"],
    );
    assert.equal(within!.p, signFlipP(shifts));
    assert.equal(within!.p, 2 / 128);
    assert.ok(Math.abs(within!.ratio - 1.06) < 1e-9);
  });

  test("without their blocks nothing can be said of them", () => {
    const [apart] = compare(rows(false));
    assert.deepEqual([apart!.method, apart!.verdict], ["samples", "undecided"]);
  });

  test("five blocks never tell a difference, and can tell that there is none", () => {
    const few = (factor: number): Compared =>
      compare(
        rows(true)
          .map((row) => ({ ...row, ttft_ms: row.ttft_ms! * (row.dtype === "int8" ? factor : 1) }))
          .filter((row) => (row as { block?: number }).block! < 5),
      )[0]!;
    assert.equal(few(1).verdict, "undecided");
    assert.equal(few(1).p, 2 / 32);
    assert.equal(few(1 / 1.06).verdict, "same");
  });

  test("their statistics are those of the medians of blocks", () => {
    const [one] = sampleStatistics(tableOf(rowsOf({ dtype: "fp32", at: 512, values: a, blocks })), {
      metric: "ttft_ms",
    }).objects() as {
      median: number;
      lo: number;
      hi: number;
      blocks: number;
      n: number;
      effective_n: number;
    }[];
    const { median: middle, interval } = blockedMedian(a, blocks);
    assert.deepEqual([one!.median, one!.lo, one!.hi, one!.blocks, one!.n], [middle, ...interval!, 7, 14]);
    assert.ok(one!.effective_n < 14, "samples of a block follow each other");
  });
});

test("outliers are marked, and every row stays", () => {
  const values = [10, 10.1, 9.9, 10, 10.05, 14];
  const rows = [
    ...rowsOf({ dtype: "fp32", at: 1, values }),
    { kind: "latency", model: "m", dtype: "fp32", prompt_tokens: 1, status: "failed" },
  ];
  const marked = markOutliers(tableOf(rows), { metric: "ttft_ms" });
  assert.deepEqual(marked.array("outlier"), [false, false, false, false, false, true, null]);
  const [one] = sampleStatistics(tableOf(rows), { metric: "ttft_ms" }).objects() as {
    outliers_n: number;
    n: number;
  }[];
  assert.deepEqual([one!.n, one!.outliers_n], [6, 1]);
});

suite("what cannot be compared", () => {
  const rows = [
    ...rowsOf({ dtype: "fp32", at: 1, values: [1, 2] }),
    ...rowsOf({ dtype: "int8", at: 2, values: [1, 2] }),
  ];
  const refused = (options: object, message: RegExp): void => {
    assert.throws(() => compare(rows, options), { name: "UserError", message });
  };
  test("is said in a sentence", () => {
    refused({}, /nowhere compared with .*: no two cells agree in model, kind, device/);
    refused({ b: { dtype: "fp16" } }, /no row has dtype "fp16"/);
    refused({ b: { dtype: "fp32" } }, /name the same cells/);
    refused({ sameWithin: 2 }, /sameWithin is 2/);
    refused({ alpha: 0 }, /alpha is 0/);
    refused({ metric: "speed" }, /metric is speed/);
  });
});
