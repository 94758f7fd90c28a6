import assert from "node:assert/strict";
import { test } from "node:test";
import { efficiency, type Ceilings } from "../../src/analyze/index.js";
import { cost, findModel, roofline } from "../../src/models/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { cellColumns } from "../../src/run/rows.js";
import { plan } from "../../src/run/plan.js";
import { tableOf } from "./samples.js";

const CEILINGS = { flopsPerS: 100e12, bytesPerS: 1e12 };
const cell = plan({ models: ["qwen2.5-0.5b"], promptTokens: [4096], newTokens: 18, batch: 2 })[0]!;
const samples: Row[] = [20, 22, 21, 24, 20].map((ttft_ms) => ({
  ...cellColumns(cell),
  device: "some GPU",
  status: "ok",
  ttft_ms,
  tpot_ms: ttft_ms / 4,
}));
const close = (found: unknown, expected: number): void => {
  assert.ok(Math.abs((found as number) - expected) <= 1e-12 * expected, `${String(found)}, not ${expected}`);
};
const refused = (act: () => unknown, message: string | RegExp): void => {
  assert.throws(act, { name: "UserError", message });
};

test("a row a phase: rates of the work that the row carries, against the roofline of the cost model", () => {
  const table = efficiency(tableOf(samples), { ceilings: CEILINGS });
  assert.deepEqual(table.array("phase"), ["prefill", "decode"]);
  const model = findModel("qwen2.5-0.5b");
  const how = { batch: 2, dtype: "float32", chunk: 64 } as const;
  const works = [
    { work: cost(model, { ...how, phase: "prefill", promptTokens: 4096 }), ms: 21, tokens: 2 * 4096 },
    { work: cost(model, { ...how, phase: "decode", position: 4096 + 8 }), ms: 21 / 4, tokens: 2 },
  ];
  works.forEach(({ work, ms, tokens }, i) => {
    const row = table.object(i) as Record<string, unknown>;
    const bound = roofline(work, CEILINGS);
    close(row["tokens_per_s"], (1000 * tokens) / ms);
    close(row["flops_per_s"], (1000 * work.flops) / ms);
    close(row["mfu"], (1000 * work.flops) / ms / CEILINGS.flopsPerS);
    close(row["mbu"], (1000 * work.bytes) / ms / CEILINGS.bytesPerS);
    close(row["roofline_ms"], bound.lowerBoundMs);
    close(row["roofline_share"], bound.lowerBoundMs / ms);
    assert.equal(row["bound"], bound.bound);
    assert.ok((row["tokens_per_s_lo"] as number) < (row["tokens_per_s"] as number));
    assert.ok((row["tokens_per_s_hi"] as number) > (row["tokens_per_s"] as number));
  });
  assert.deepEqual(table.array("bound"), ["compute", "memory"]);
});

test("a known device has its own ceilings, by type; an unknown one has none", () => {
  const on = (device: string, dtype: string): unknown[] =>
    ["mfu", "mbu"].map((name): unknown =>
      efficiency(tableOf(samples.map((row) => ({ ...row, device, dtype })))).get(name, 0),
    );
  const [mfu, mbu] = on("NVIDIA GeForce RTX 4090", "fp16");
  close(mfu, (samples[0]!.prefill_flops! * 1000) / 21 / 165.2e12);
  close(mbu, (samples[0]!.prefill_moved_bytes! * 1000) / 21 / 1008e9);
  close(on("rtx4090", "fp32")[0], (samples[0]!.prefill_flops! * 1000) / 21 / 82.6e12);
  assert.deepEqual(on("some GPU", "fp16"), [null, null]);
});

test("the paper's energy: joules a prompt token, without a time and without work", () => {
  const table = efficiency(loadPaper("energy"));
  const rows = table.objects() as Record<string, unknown>[];
  const row = rows.find(({ model, prompt_tokens }) => model === "qwen2.5-0.5b" && prompt_tokens === 57344)!;
  assert.equal(row["phase"], "prefill");
  close(row["j_per_token"], 1492.62 / 57344);
  assert.deepEqual([row["time_ms"], row["mfu"], row["j_per_token_lo"]], [null, null, null]);
});

test("a generation's energy is of all its tokens, a decoding's of the new ones but the first", () => {
  const joules = (phase: string): unknown[] => {
    const table = efficiency(
      tableOf([{ phase, batch: 2, prompt_tokens: 100, new_tokens: 11, energy_j: 44.4 }]),
    );
    return [table.get("phase", 0), table.get("j_per_token", 0)];
  };
  assert.deepEqual(joules("both"), ["both", 44.4 / 222]);
  assert.deepEqual(joules("decode"), ["decode", 44.4 / 20]);
});

test("a named device lends its ceilings, and a use above them is noted", () => {
  const faster = samples.map((row) => ({ ...row, ttft_ms: row.ttft_ms! / 100 }));
  const like = efficiency(faster, { like: "rtx4090" });
  assert.match(like.get("note", 0) as string, /^mfu is 421\.23 and mbu is 16\.95: above what/);
  assert.equal(like.get("note", 1), null);
});

test("what has no efficiency is refused in one sentence", () => {
  const two = tableOf([...samples, ...samples.map((row) => ({ ...row, device: "another" }))]);
  refused(
    () => efficiency(two, { ceilings: CEILINGS }),
    "the rows are of 2 devices (some GPU, another), but one set of ceilings was given: filter the table to one device",
  );
  refused(() => efficiency(tableOf(samples), { like: "abacus" }), /^like is abacus: it must be rtx4090 or/);
  refused(
    () => efficiency(tableOf(samples), { ceilings: { ...CEILINGS, bytesPerS: -1 } }),
    "bytesPerS is -1: a ceiling must be a positive number",
  );
  refused(
    () => efficiency(tableOf(samples), { ceilings: { flopsPerS: 1e14 } as Ceilings }),
    "bytesPerS is undefined: a ceiling must be a positive number",
  );
  refused(
    () => efficiency(samples, { ceilings: CEILINGS, like: "rtx4090" }),
    /^the ceilings are given twice, as .* and like rtx4090: give one$/,
  );
  refused(
    () => efficiency(samples.map((row) => ({ ...row, status: "oom" }))),
    "no row is left with a time or an energy (of 5 rows 5 have a status other than ok)",
  );
  refused(() => efficiency(loadPaper("accuracy")), /the table has no time and no energy/);
});
