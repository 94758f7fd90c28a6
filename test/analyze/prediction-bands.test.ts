import assert from "node:assert/strict";
import { test } from "node:test";
import {
  coefficientTable,
  fitScaling,
  predictionBands,
  residualTable,
  type ScalingFit,
} from "../../src/analyze/index.js";
import { randomIndex } from "../../src/stats/index.js";
import { LENGTHS, normal, simulate, tableOf } from "./samples.js";

const fits = (options: Parameters<typeof simulate>[2]): ScalingFit[] =>
  fitScaling(tableOf(simulate("m", [5, 0.01, 2e-7], options)), { metric: "ttft_ms" });

test("bands follow the fit from its shortest to its longest length, and a seed repeats them", () => {
  const [fit] = fits({ noise: 0.02, draw: normal(1) });
  const bands = predictionBands([fit!]);
  const rows = bands.objects() as Record<string, number>[];
  assert.equal(rows.length, 33);
  assert.deepEqual([rows[0]!["prompt_tokens"], rows[32]!["prompt_tokens"]], [1024, 57344]);
  for (const row of rows) {
    const [value, lo, hi] = [row["ttft_ms"]!, row["ttft_ms_lo"]!, row["ttft_ms_hi"]!];
    assert.ok(lo < value && value < hi && row["sample_lo"]! < lo && hi < row["sample_hi"]!);
  }
  assert.deepEqual(predictionBands([fit!]).objects(), rows);
});

test("bytes without scatter have bands without width", () => {
  const table = tableOf(
    LENGTHS.map((prompt_tokens) => ({ prompt_tokens, kv_cache_bytes: 12288 * prompt_tokens })),
  );
  const bands = predictionBands(fitScaling(table, { metric: "kv_cache_bytes" }), { promptTokens: [1e6] });
  const [row] = bands.objects() as Record<string, number>[];
  for (const name of ["kv_cache_bytes", "kv_cache_bytes_lo", "sample_lo", "sample_hi"])
    assert.ok(Math.abs(row![name]! / 12288e6 - 1) < 1e-9, `${name} is ${row![name]!}`);
});

test("replicates have Student's tails", () => {
  const [fit] = fits({ noise: 0.02, samples: 1, draw: normal(2) });
  const values = fit!.resample(8000, randomIndex(1)).map((curve) => curve.at(8192));
  values.sort((p, q) => p - q);
  const width = (share: number): number => values[8000 * (1 - share)]! - values[8000 * share]!;
  // Of five degrees of freedom 2.571 / 0.7267, of a normal distribution 1.960 / 0.6745 = 2.91.
  const ratio = width(0.025) / width(0.25);
  assert.ok(Math.abs(ratio - 3.54) < 0.15, `ratio ${ratio}`);
});

test("the band of a power lies about it, whatever its exponent", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const draw = normal(seed);
    const rows = LENGTHS.map((prompt_tokens) => ({
      prompt_tokens,
      ttft_ms: (5 + 1e-3 * prompt_tokens ** 1.35) * (1 + 1e-3 * draw()),
    }));
    const power = fitScaling(tableOf(rows), { metric: "ttft_ms", form: "power" });
    const bands = predictionBands(power, { promptTokens: [1024, 57344], replicates: 400 });
    for (const { ttft_ms, ttft_ms_lo, ttft_ms_hi } of bands.objects() as Record<string, number>[])
      assert.ok(ttft_ms_lo! < ttft_ms! && ttft_ms! < ttft_ms_hi!, `seed ${seed}`);
  }
});

test("without a sample to spare there are estimates and no intervals", () => {
  const [fit] = fits({ samples: 1, lengths: [1000, 2000, 4000] });
  assert.throws(() => predictionBands([fit!]), {
    name: "UserError",
    message:
      "m has 3 samples of ttft_ms for as many coefficients: without one to spare there is no scatter to resample",
  });
  assert.deepEqual(coefficientTable([fit!]).array("lo"), [null, null, null]);
  assert.deepEqual(residualTable([fit!]).array("cooks_distance"), [null, null, null]);
});

test("what makes no band is refused in one sentence", () => {
  const [fit] = fits({ noise: 0.02, draw: normal(3) });
  const refused = (options: object, message: string): void => {
    assert.throws(() => predictionBands([fit!], options), { name: "UserError", message });
  };
  refused({ promptTokens: [1024, 0] }, "promptTokens has 0: lengths must be tokens above 0");
  refused({ confidence: 95 }, "confidence is 95: it must be between 0 and 1, such as 0.95");
  refused({ replicates: 10 }, "replicates is 10: it must be a whole number of at least 100");
  assert.throws(() => coefficientTable([fit!], { confidence: 2 }), { name: "UserError" });
  const other = { ...fit!, metric: "tpot_ms" as const };
  assert.throws(() => predictionBands([fit!, other]), {
    name: "UserError",
    message: "the fits are of ttft_ms and tpot_ms: the bands of one table are of one metric",
  });
});

test("an outlier stands out in the residuals, and a robust fit leaves nothing of it", () => {
  const rows = simulate("m", [5, 0.01, 2e-7], { noise: 0.01, draw: normal(4) });
  rows[12] = { ...rows[12]!, ttft_ms: rows[12]!.ttft_ms! * 2 };
  const table = tableOf(rows);
  const [plain] = fitScaling(table, { metric: "ttft_ms" });
  const [robust] = fitScaling(table, { metric: "ttft_ms", robust: "tukey" });
  const truth = 5 + 0.01 * 4096 + 2e-7 * 4096 ** 2;
  assert.ok(Math.abs(robust!.predict(4096) / truth - 1) < 0.01);
  assert.ok(Math.abs(plain!.predict(4096) / truth - 1) > 0.05);
  const weights = residualTable([robust!]).array("robust_weight") as number[];
  assert.equal(weights[12], 0);
  const distances = residualTable([plain!]).array("cooks_distance") as number[];
  assert.equal(distances.indexOf(Math.max(...distances)), 12);
});

test("a length whose repeats are all wrong together is influential", () => {
  const rows = simulate("m", [5, 0.01, 2e-7], { noise: 0.01, draw: normal(5) });
  const wrong = rows.map((row) =>
    row.prompt_tokens === 57344 ? { ...row, ttft_ms: row.ttft_ms! * 1.3 } : row,
  );
  const table = residualTable(fitScaling(tableOf(wrong), { metric: "ttft_ms" }));
  const residuals = table.objects() as Record<string, number>[];
  const last = residuals.filter((row) => row["prompt_tokens"] === 57344);
  assert.equal(last.length, 5);
  assert.ok(last.every((row) => row["cooks_distance"]! < 1 && row["length_cooks_distance"]! > 1));
  assert.ok(last.every((row) => row["influential"]));
});
