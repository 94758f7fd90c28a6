import assert from "node:assert/strict";
import { test } from "node:test";
import { documentCost, fitScaling } from "../../src/analyze/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { normal, tableOf } from "./samples.js";

const LENGTHS = [1000, 2000, 4000, 8000, 16000];
type Found = Readonly<Record<string, unknown>>;

/** A step at depth d costs 2 + d/1000 ms; a run of n tokens after L takes its steps at depths L … L + n − 2. */
const timed = (new_tokens: number, noise = (): number => 0): Row[] =>
  LENGTHS.flatMap((prompt_tokens) =>
    [0, 1, 2, 3].map(() => ({
      kind: "latency",
      model: "m",
      device: "gpu",
      phase: "both",
      prompt_tokens,
      new_tokens,
      ttft_ms: (10 + 0.05 * prompt_tokens) * (1 + noise()),
      tpot_ms: (2 + (prompt_tokens + (new_tokens - 2) / 2) / 1000) * (1 + noise()),
    })),
  );
const energy = (phase: string, new_tokens: number | null, joules: (length: number) => number): Row[] =>
  LENGTHS.map((prompt_tokens) => ({
    kind: "energy",
    model: "m",
    device: "gpu",
    phase,
    prompt_tokens,
    new_tokens,
    energy_j: joules(prompt_tokens),
  }));
const costOf = (rows: Row[], options: Parameters<typeof documentCost>[1]): Found =>
  documentCost(tableOf(rows), options).object(0) as Found;
const close = (found: unknown, expected: number): void => {
  assert.ok(Math.abs((found as number) - expected) <= 1e-6 * expected, `${String(found)}, not ${expected}`);
};

test("reading and the steps of generating, each at its depth, however many tokens were measured", () => {
  const newTokens = 401;
  const steps = Array.from({ length: newTokens - 1 }, (_, i) => 2 + (5000 + i) / 1000);
  const decode = steps.reduce((sum, ms) => sum + ms, 0);
  for (const measured of [16, 256]) {
    const found = costOf(timed(measured), { promptTokens: 5000, newTokens });
    close(found["prefill_ms"], 260);
    close(found["decode_ms"], decode);
    close(found["e2e_ms"], 260 + decode);
    assert.deepEqual([found["state"], found["energy_j"]], ["within", null]);
  }
  const alone = costOf(timed(16), { promptTokens: 32000 });
  assert.deepEqual([alone["decode_ms"], alone["new_tokens"], alone["state"]], [0, 1, "extrapolated"]);
  close(alone["e2e_ms"], 1610);
});

test("intervals hold the true cost about as often as they say", () => {
  const draw = normal(5);
  const truth =
    260 + Array.from({ length: 100 }, (_, i) => 2 + (5000 + i) / 1000).reduce((sum, ms) => sum + ms, 0);
  const trials = 200;
  let held = 0;
  for (let trial = 0; trial < trials; trial++) {
    const rows = timed(16, () => 0.02 * draw());
    const found = costOf(rows, { promptTokens: 5000, newTokens: 101, replicates: 300, seed: trial });
    if ((found["e2e_ms_lo"] as number) <= truth && (found["e2e_ms_hi"] as number) >= truth) held++;
  }
  assert.ok(held / trials > 0.87 && held / trials < 0.99, String(held / trials));
});

test("energy adds up by phase, and joins the times of the same run", () => {
  const read = energy("prefill", null, (length) => 0.01 * length);
  const made = energy("decode", 21, (length) => 20 * (0.1 + length / 1e6));
  const found = costOf([...timed(16), ...read, ...made], { promptTokens: 5000, newTokens: 41 });
  close(found["prefill_j"], 50);
  // Steps measured stand for 9.5 tokens past the prompt, these for 19.5.
  close(found["decode_j"], 40 * (0.1 + 5010 / 1e6));
  close(found["energy_j"], 50 + 40 * (0.1 + 5010 / 1e6));
  const reading = costOf(read, { promptTokens: 5000, newTokens: 41 });
  assert.deepEqual([reading["e2e_ms"], reading["decode_j"], reading["energy_j"]], [null, null, null]);
  const whole = energy("both", 41, (length) => 1 + 0.02 * length);
  close(costOf(whole, { promptTokens: 5000, newTokens: 41 })["energy_j"], 101);
  assert.equal(costOf(whole, { promptTokens: 5000, newTokens: 42 })["energy_j"], null);
});

test("of energy alone no time is known, not even that nothing takes none", () => {
  const found = costOf(
    energy("prefill", null, (length) => 0.01 * length),
    { promptTokens: 5000 },
  );
  assert.deepEqual([found["prefill_ms"], found["decode_ms"], found["e2e_ms"]], [null, null, null]);
  assert.equal(found["decode_j"], 0);
});

test("the paper's rows: reading 57344 tokens costs Qwen about four times the joules of Mamba2", () => {
  const table = documentCost(loadPaper("energy"), { promptTokens: 57344 });
  const joules = Object.fromEntries(
    (table.objects() as Found[]).map((row) => [row["model"], row["energy_j"] as number]),
  ) as Record<string, number>;
  const [fit] = fitScaling(
    loadPaper("energy").filter((row: Row) => row.model === "mamba2-780m"),
    { metric: "energy_j" },
  );
  close(joules["mamba2-780m"], fit!.predict(57344));
  const ratio = joules["qwen2.5-0.5b"]! / joules["mamba2-780m"]!;
  assert.ok(ratio > 3 && ratio < 5, String(ratio));
});

test("what has no cost is refused in one sentence", () => {
  const refused = (act: () => unknown, message: string | RegExp): void => {
    assert.throws(act, { name: "UserError", message });
  };
  const table = tableOf(timed(16));
  refused(
    () => documentCost(table, { promptTokens: 0 }),
    "promptTokens is 0: it must be a whole number of tokens of 1 or more",
  );
  refused(() => documentCost(table, { promptTokens: 9, newTokens: 1.5 }), /^newTokens is 1.5/);
  refused(() => documentCost(loadPaper("memory"), { promptTokens: 9 }), /no row has ttft_ms or energy_j/);
  const failed = timed(16).map((row) => ({ ...row, status: "failed" }));
  refused(
    () => documentCost(failed, { promptTokens: 9 }),
    "no row has ttft_ms or energy_j: a document's cost needs one of them (of 20 rows 20 have a status other than ok)",
  );
});
