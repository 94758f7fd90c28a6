import assert from "node:assert/strict";
import { test } from "node:test";
import { escape } from "arquero";
import {
  coefficientTable,
  compareForms,
  fitScaling,
  fitTable,
  pickSeries,
  type FitMetricName,
  type FitScalingOptions,
  type Form,
  type ScalingFit,
} from "../../src/analyze/index.js";
import type { Row } from "../../src/record/schema.js";
import { assertClose, scipyCases } from "../stats/scipy.js";
import { LENGTHS, normal, paperRows, simulate, tableOf } from "./samples.js";

const fitRows = (rows: readonly Row[], metric: FitMetricName = "ttft_ms"): ScalingFit[] =>
  fitScaling(tableOf(rows), { metric });

const memoryRows = (model: string, bytes: (length: number) => number): Row[] =>
  LENGTHS.map((prompt_tokens) => ({
    kind: "memory",
    model,
    prompt_tokens,
    total_bytes: bytes(prompt_tokens),
  }));

test("a curve without noise is found again and predicts any length", () => {
  const [fit] = fitRows(simulate("m", [5, 0.01, 2e-7]));
  assertClose(Object.values(fit!.coefficients), [5, 0.01, 2e-7]);
  assertClose([fit!.predict(100_000)], [5 + 1000 + 2000]);
  assert.ok(fit!.residual < 1e-12);
  assert.deepEqual([fit!.form, fit!.weighting, fit!.unit], ["quadratic", "relative", "ms"]);
  assert.deepEqual([fit!.n, fit!.scatter, fit!.degreesOfFreedom], [40, "lengths", 5]);
  assert.deepEqual(fit!.lengths, LENGTHS);
  assert.deepEqual(fit!.range, [1024, 57344]);
});

test("memory is a line, its slope the bytes a token", () => {
  const [fit] = fitRows(
    memoryRows("m", (length) => 1.2e9 + 12288 * length),
    "total_bytes",
  );
  assertClose([fit!.coefficients.a, fit!.coefficients.b], [1.2e9, 12288]);
  assert.equal(fit!.coefficients.c, 0);
  assert.equal(fit!.standardErrors.c, null);
  assert.deepEqual([fit!.form, fit!.weighting, fit!.unit], ["linear", "uniform", "bytes"]);
});

test("a coefficient at its bound is 0 and has no standard error", () => {
  const [fit] = fitRows(simulate("m", [5, 0.01, -2e-8], { noise: 0.001, draw: normal(1) }));
  assert.equal(fit!.coefficients.c, 0);
  assert.equal(fit!.standardErrors.c, null);
  assert.ok(fit!.standardErrors.b! > 0);
});

test("an SSM's key/value cache of 0 bytes is a line, with no R² and no residual", () => {
  const rows = LENGTHS.map((prompt_tokens) => ({ model: "mamba2-780m", prompt_tokens, kv_cache_bytes: 0 }));
  const [fit] = fitRows(rows, "kv_cache_bytes");
  assert.deepEqual(fit!.coefficients, { a: 0, b: 0, c: 0 });
  assert.equal(fit!.r2, null);
  assert.equal(fit!.residual, 0);
});

test("a relative residual is the typical deviation as a share of the value", () => {
  const [fit] = fitRows(simulate("m", [5, 0.01, 2e-7], { noise: 0.03, samples: 500, draw: normal(2) }));
  assert.ok(Math.abs(fit!.residual - 0.03) < 0.001, `residual ${fit!.residual}`);
});

test("relative weights do not favour the samples that happen to be low", () => {
  // With 1/y² of each sample the curve would come out 2σ² = 18 % low.
  const [fit] = fitRows(simulate("m", [5, 0.01, 2e-7], { noise: 0.3, samples: 300, draw: normal(3) }));
  assertClose([fit!.predict(8192) / (5 + 81.92 + 2e-7 * 8192 ** 2)], [1], 0.03);
});

test("nor the lengths whose one sample happens to be low", () => {
  const truth = 5 + 81.92 + 2e-7 * 8192 ** 2;
  const ratios = Array.from({ length: 300 }, (_, seed) => {
    const [fit] = fitRows(simulate("m", [5, 0.01, 2e-7], { noise: 0.2, samples: 1, draw: normal(seed + 1) }));
    return fit!.predict(8192) / truth;
  });
  // With weights from the samples alone it is 0.93.
  assertClose([ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length], [1], 0.02);
});

test("rows that differ in a setting make series of their own", () => {
  const fast = simulate("m", [5, 0.01, 0]).map((row) => ({ ...row, lowering: "fused" }));
  const slow = simulate("m", [5, 0.02, 0]).map((row) => ({ ...row, lowering: "ssd-matmul" }));
  const other = simulate("n", [5, 0.03, 0]);
  const fits = fitRows([...fast, ...slow, ...other]);
  const shared = { kind: "latency", device: "gpu" };
  assert.deepEqual(
    fits.map(({ series }) => series),
    [
      { ...shared, model: "m", lowering: "fused" },
      { ...shared, model: "m", lowering: "ssd-matmul" },
      { ...shared, model: "n" },
    ],
  );
  assertClose(
    fits.map(({ coefficients }) => coefficients.b),
    [0.01, 0.02, 0.03],
  );
});

test("ways to run that `auto` may choose for each cell make series of their own, equal lists one", () => {
  const mode = (change: Row): Row[] => simulate("m", [5, 0.01, 0]).map((row) => ({ ...row, ...change }));
  const rows = [
    ...mode({ cuda_graph: true }),
    ...mode({ cuda_graph: false }),
    ...mode({ decode_lowering: "fused" }),
    ...mode({}).map((row) => ({ ...row, ep_options: ["use_tf32=0"] })),
  ];
  const fits = fitRows(rows);
  assert.deepEqual(
    fits.map(({ series: { cuda_graph, decode_lowering, ep_options } }) => [
      cuda_graph,
      decode_lowering,
      ep_options,
    ]),
    [
      [true, undefined, undefined],
      [false, undefined, undefined],
      [undefined, "fused", undefined],
      [undefined, undefined, ["use_tf32=0"]],
    ],
  );
  assert.equal(pickSeries(fits, { ep_options: ["use_tf32=0"] }), fits[3]);
});

test("only successful rows that have the metric count, and only those that the table's filter keeps", () => {
  const good = simulate("m", [5, 0.01, 2e-7], { samples: 1 });
  const rows: Row[] = [
    ...good.map((row) => ({ ...row, status: "ok" })),
    { ...good[0]!, ttft_ms: 1e6, status: "failed" },
    { ...good[0]!, prompt_tokens: 131072, ttft_ms: null, status: "oom" },
    { ...good[0]!, ttft_ms: null, status: "ok" },
    { ...good[0]!, ttft_ms: 1e6, status: "ok", verdict: "rejected" },
  ];
  const kept = tableOf(rows).filter(escape((row: Row) => row.verdict !== "rejected"));
  const [fit] = fitScaling(kept, { metric: "ttft_ms" });
  assert.equal(fit!.n, LENGTHS.length);
  assertClose(Object.values(fit!.coefficients), [5, 0.01, 2e-7]);
});

test("three lengths with one sample each are fitted, without standard errors", () => {
  const [fit] = fitRows(simulate("m", [5, 0.01, 2e-7], { samples: 1, lengths: [1000, 2000, 4000] }));
  assertClose(Object.values(fit!.coefficients), [5, 0.01, 2e-7], 1e-6);
  assert.deepEqual(fit!.standardErrors, { a: null, b: null, c: null });
});

test("what cannot be fitted is refused in one sentence", () => {
  const refused = (rows: readonly Row[], message: string, metric = "ttft_ms"): void => {
    assert.throws(() => fitRows(rows, metric as FitMetricName), { name: "UserError", message });
  };
  const rows = simulate("m", [5, 0.01, 2e-7], { samples: 1 });
  const [first, ...rest] = rows;
  refused(
    rows.slice(0, 2),
    "m has ttft_ms at 2 prompt length(s) (1024, 2048): a quadratic fit needs at least 3",
  );
  refused(
    [first!, first!, first!],
    "m has ttft_ms at 1 prompt length(s) (1024): a quadratic fit needs at least 3",
  );
  refused(
    [{ ...first!, ttft_ms: NaN }, ...rest],
    "ttft_ms is NaN in row 0: it must be a finite number of 0 or more",
  );
  refused(
    [...rest, { ...first!, ttft_ms: -1 }],
    "ttft_ms is -1 in row 7: it must be a finite number of 0 or more",
  );
  refused(
    [{ ...first!, ttft_ms: 0 }, ...rest],
    'm has a ttft_ms of 0 at 1024 tokens: a relative fit needs values above 0 (weighting: "uniform" allows 0)',
  );
  refused(
    [{ ...first!, prompt_tokens: null }, ...rest],
    "prompt_tokens is null in row 0: a fit needs a positive length",
  );
  refused(
    rows.map((row, i) => (i < 3 ? { ...row, status: "oom" } : { ...row, ttft_ms: null })),
    "no row is left to fit ttft_ms: of 8 rows 3 have a status other than ok and 5 have no ttft_ms",
  );
  refused(
    [...rows, ...rows.map((row) => ({ ...row, kind: "operators" }))],
    "the rows are of 2 kinds (latency, operators): filter the table to one",
  );
  refused(
    rows,
    "metric is accuracy_pct: it must be one of ttft_ms, e2e_ms, energy_j, tpot_ms, total_bytes, " +
      "peak_activation_bytes, kv_cache_bytes, ssm_state_bytes, conv_state_bytes",
    "accuracy_pct",
  );
});

test("the weighting can be chosen, but not invented", () => {
  const table = tableOf(paperRows());
  const golden = scipyCases<{ name: string; coefficients: number[] }>("least-squares").find(
    ({ name }) => name === "mamba2-780m ttft, uniform, non-negative",
  )!;
  const [, fit] = fitScaling(table, { metric: "ttft_ms", weighting: "uniform" });
  assertClose(Object.values(fit!.coefficients), golden.coefficients);
  const refused = (options: object, message: string): void => {
    assert.throws(() => fitScaling(table, { metric: "ttft_ms", ...options }), {
      name: "UserError",
      message,
    });
  };
  refused({ weighting: "sqrt" }, "weighting is sqrt: it must be relative, log, uniform or measured");
  refused({ weighting: "measured" }, '0 length(s) have repeats that differ: weighting "measured" needs 3');
  refused({ robust: "tukey2" }, "robust is tukey2: it must be huber or tukey");
  refused({ scatter: "rows" }, "scatter is rows: it must be lengths or samples");
  refused({ breakAt: -1 }, "breakAt is -1: it must be a length in tokens above 0");
  refused({ breakAt: 4096 }, "breakAt is 4096: form quadratic has no break, one with +step or +kink has");
  assert.throws(() => fitScaling(table, { metric: "ttft_ms", form: "cubic" as Form }), {
    name: "UserError",
    message: /^form is cubic: it must be auto or one of constant, constant\+step,/,
  });
  const qwen =
    "qwen2.5-0.5b-instruct has ttft_ms at 7 prompt length(s) (1024, 2048, 4096, 8192, 16384, 24576, 32768)";
  refused(
    { form: "linear+step", breakAt: 65536 },
    `${qwen}: a linear+step fit with its break at 65536 needs some on either side of it`,
  );
});

test("a text where a number belongs is refused with the text", () => {
  const rows = simulate("m", [5, 0.01, 0], { samples: 1 }).map((row) => ({ ...row, ttft_ms: "12 ms" }));
  assert.throws(() => fitRows(rows as unknown as Row[]), {
    name: "UserError",
    message: 'ttft_ms is "12 ms" in row 0: it must be a finite number of 0 or more',
  });
});

test("fitTable shows a row a fit, with the settings that the fits have", () => {
  const table = fitTable(fitRows(paperRows()));
  assert.deepEqual(table.columnNames().slice(0, 5), ["model", "device", "batch", "metric", "unit"]);
  assert.deepEqual(table.array("model"), ["qwen2.5-0.5b-instruct", "mamba2-780m"]);
  assert.deepEqual(table.array("lengths"), [7, 7]);
  assert.deepEqual(table.array("longest_tokens"), [32768, 32768]);
  const { a, b, b_lo, b_hi, r2 } = table.object(1) as Record<string, number>;
  assert.ok(a! > 4 && a! < 5 && b_lo! < b! && b! < b_hi! && r2! > 0.999);
  const { lo, hi } = coefficientTable(fitRows(paperRows())).object(4) as Record<string, number>;
  assert.deepEqual([b_lo, b_hi], [lo, hi]);
});

test("a table without rows says whether its filter left none", () => {
  const table = tableOf(simulate("m", [5, 0.01, 0]));
  const none = table.filter(escape(() => false));
  assert.throws(() => fitScaling(none, { metric: "ttft_ms" }), {
    name: "UserError",
    message: "the table's filter keeps none of its 40 rows: loosen it",
  });
  assert.throws(() => fitScaling(none.reify(), { metric: "ttft_ms" }), {
    name: "UserError",
    message: "the table has no rows: nothing was loaded or measured",
  });
});

test("a repeat that is there twice, another unit, and devices mixed by `by` are refused", () => {
  const rows = simulate("m", [5, 0.01, 0], { samples: 2 }).map((row, i) => ({
    ...row,
    cell: "c",
    repeat: i % 2,
  }));
  const refused = (
    table: readonly object[],
    message: string,
    options: Partial<FitScalingOptions> = {},
  ): void => {
    assert.throws(() => fitScaling(tableOf(table), { metric: "ttft_ms", ...options }), {
      name: "UserError",
      message,
    });
  };
  refused(
    [...rows, rows[1]!],
    "m has repeat 1 at 1024 tokens 2 times (rows 1, 16): each repeat of a cell may be there once",
  );
  assert.equal(fitRows([...rows, { ...rows[1]!, cell: "d" }])[0]!.n, 17);
  refused(
    rows.map((row, i) => ({ ...row, unit: i === 3 ? "s" : "ms" })),
    'unit is "s" in row 3: ttft_ms is in ms, and a fit takes one unit',
  );
  const two = [...rows, ...rows.map((row) => ({ ...row, device: "cpu" }))];
  assert.equal(fitRows(two).length, 2);
  refused(
    two,
    'm has ttft_ms from 2 values of device ("gpu", "cpu"): filter the table to one, or add device to by',
    { by: ["model"] },
  );
  assert.equal(fitScaling(tableOf(two), { metric: "ttft_ms", by: ["model", "device"] }).length, 2);
});

test("with as many lengths as coefficients the repeats are what is left to judge by", () => {
  const rows = simulate("m", [5, 0.01, 2e-7], { noise: 0.02, draw: normal(4), lengths: [1000, 4000, 16000] });
  const [fit] = fitRows(rows);
  assert.deepEqual([fit!.scatter, fit!.degreesOfFreedom], ["samples", 12]);
  assert.ok(fit!.standardErrors.b! > 0);
});

test("a step is found where it is, and a slope that falls is flat at its bound", () => {
  const rows = simulate("m", [5, 0.01, 0], { noise: 0.005, draw: normal(5) }).map((row) => ({
    ...row,
    ttft_ms: row.ttft_ms! + (row.prompt_tokens! >= 8192 ? 100 : 0),
  }));
  const [fit] = fitScaling(tableOf(rows), { metric: "ttft_ms", form: "linear+step" });
  assert.equal(fit!.breakTokens, 8192);
  assert.deepEqual(fit!.curve.breaks, [8192]);
  assertClose([fit!.coefficients.d!], [100], 0.02);
  assertClose([fit!.predict(8192) - fit!.predict(8191.999)], [fit!.coefficients.d!], 1e-6);

  const falling = LENGTHS.map((prompt_tokens, i) => ({ prompt_tokens, tpot_ms: 14 - 0.1 * i }));
  const [flat] = fitRows(falling, "tpot_ms");
  assert.equal(flat!.coefficients.b, 0);
  assert.equal(flat!.predict(1e6), flat!.predict(1));
});

test("auto takes the form that made the data, and the table says why", () => {
  const truths: [Form, (length: number) => number][] = [
    ["constant", () => 13],
    ["linear", (length) => 5 + 0.02 * length],
    ["quadratic", (length) => 5 + 0.009 * length + 4e-7 * length ** 2],
    ["linear+step", (length) => 5 + 0.01 * length + (length >= 16384 ? 200 : 0)],
  ];
  const lengths = [512, 1024, 2048, 4096, 8192, 16384, 24576, 32768, 49152, 65536];
  const draw = normal(6);
  const rows = truths.flatMap(([model, truth]) =>
    lengths.flatMap((prompt_tokens) =>
      Array.from({ length: 3 }, () => ({
        model,
        prompt_tokens,
        ttft_ms: truth(prompt_tokens) * (1 + 0.01 * draw()),
      })),
    ),
  );
  const fits = fitScaling(tableOf(rows), { metric: "ttft_ms", form: "auto" });
  assert.deepEqual(
    fits.map(({ form }) => form),
    truths.map(([form]) => form),
  );
  const table = compareForms(tableOf(rows), { metric: "ttft_ms" });
  const chosen = table.filter(escape((row: { chosen: boolean }) => row.chosen));
  assert.deepEqual(chosen.array("form"), chosen.array("model"));
  assert.deepEqual(Array.from(chosen.array("confirmed") as boolean[]), [true, true, true, true]);
  assert.deepEqual(
    fits[0]!.candidates!.map(({ form }) => form),
    table.filter(escape((row: { model: string }) => row.model === "constant")).array("form"),
  );
});

test("noise about a line is no break, however many lengths are searched for one", () => {
  const lengths = Array.from({ length: 20 }, (_, i) => Math.round(512 * 128 ** (i / 19)));
  const broken = Array.from({ length: 20 }, (_, seed) => {
    const rows = simulate("m", [5, 0.02, 0], { noise: 0.02, samples: 1, draw: normal(seed + 1), lengths });
    const table = compareForms(tableOf(rows), {
      metric: "ttft_ms",
      forms: ["linear", "linear+step", "linear+kink"],
    });
    return Number((table.array("chosen") as boolean[]).indexOf(true) > 0);
  });
  // Without a charge for the search it is 5 of these.
  assert.ok(broken.reduce((sum, one) => sum + one, 0) <= 2, broken.join());
});

test("one short series does not keep the others from being fitted, if told so", () => {
  const short = simulate("short", [5, 0.01, 0], { lengths: [1000, 2000] });
  const table = tableOf([...simulate("m", [5, 0.01, 2e-7]), ...short]);
  const problem = "short has ttft_ms at 2 prompt length(s) (1000, 2000): a quadratic fit needs at least 3";
  assert.throws(() => fitScaling(table, { metric: "ttft_ms" }), {
    name: "UserError",
    message: `${problem}; skipShort: true leaves out such series of 2`,
  });
  const fits = fitScaling(table, { metric: "ttft_ms", skipShort: true });
  assert.deepEqual(
    fits.map(({ series }) => series.model),
    ["m"],
  );
  assert.throws(() => fitScaling(tableOf(short), { metric: "ttft_ms", skipShort: true }), {
    message: problem,
  });
});

test("lengths asked for as the unit of scatter are not quietly replaced by samples", () => {
  const rows = simulate("m", [5, 0.01, 2e-7], { noise: 0.01, draw: normal(9), lengths: [1000, 2000, 4000] });
  assert.throws(() => fitScaling(tableOf(rows), { metric: "ttft_ms", scatter: "lengths" }), {
    name: "UserError",
    message:
      "m has ttft_ms at 3 prompt length(s) for the 3 numbers of a quadratic fit: " +
      'scatter "lengths" needs one more (without it the samples judge)',
  });
  assert.deepEqual(fitTable(fitRows(rows)).array("scatter"), ["samples"]);
});

test("a form that the lengths are too few for says what it needs, and auto then takes the metric's own", () => {
  const rows = tableOf(simulate("m", [5, 0.01, 2e-7], { samples: 1, lengths: [1000, 2000, 4000] }));
  const table = compareForms(rows, { metric: "ttft_ms", forms: ["linear", "quadratic", "quadratic+step"] });
  assert.deepEqual(table.array("problem"), [
    "AICc needs 5 lengths",
    "AICc needs 6 lengths",
    "needs 5 lengths or more, on either side of a break",
  ]);
  const [fit] = fitScaling(rows, { metric: "ttft_ms", form: "auto" });
  assert.equal(fit!.form, "quadratic");
  assert.throws(() => compareForms(rows, { metric: "ttft_ms", forms: [] }), {
    name: "UserError",
    message: "forms is empty: name one at least",
  });
});
