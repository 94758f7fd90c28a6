import assert from "node:assert/strict";
import { test } from "node:test";
import { campaignReport } from "../../src/cli/report/campaign.js";
import { measurementsTable } from "../../src/cli/report/tables.js";
import { rowsToTable, type Row } from "../../src/record/index.js";

/** A Transformer and an SSM at three lengths, three samples each. */
const rows = (others: Row = {}): Row[] =>
  ["m-transformer", "m-ssm"].flatMap((model, place) =>
    [128, 256, 512].flatMap((prompt_tokens) =>
      [0, 1, 2].map((repeat): Row => ({
        ...{ kind: "latency", status: "ok", verdict: "ok", campaign: "c", model, repeat, prompt_tokens },
        ...{
          family: place === 0 ? "transformer" : "ssm",
          device: "GPU 1",
          cpu_model: "CPU 1",
          weights: "random",
        },
        ...{
          new_tokens: 8,
          ttft_ms: (1 + place) * prompt_tokens * (1 + 0.01 * repeat),
          tpot_ms: 3 + 0.1 * repeat,
        },
        ...others,
      })),
    ),
  );

const reportOf = (others?: Row) => campaignReport(rowsToTable(rows(others)), "t");

const usual = await reportOf();
const doubtful = await reportOf({
  ...{ weights: "mine@0123", verdict: "suspect", verdict_reasons: ["gate-not-run"] },
  ...{ gpu_driver: "13.0", cuda_version: "13.1" },
});

test("the machine names the device measured, and CUDA only where there is some", () => {
  assert.equal(usual.machine["Measured on"], "GPU 1");
  assert.ok(!("CUDA runtime" in usual.machine));
  assert.equal(doubtful.machine["CUDA runtime"], "13.1");
});

test("notes say of weights and verdicts what the rows say, not what is usual", () => {
  const [random, own] = [usual, doubtful].map(({ notes }) => notes!.join("\n"));
  assert.match(random!, /seeded random numbers/);
  assert.doesNotMatch(random!, /In doubt/);
  assert.doesNotMatch(own!, /random numbers|warm-up/);
  assert.match(own!, /In doubt, because the setting has not been verified .*m-ssm at 512 tokens\./);
});

test("a model of two campaigns is two, compared within each, and claims still know it", async () => {
  const two = ["a", "b"].flatMap((campaign) => rows({ campaign, tpot_ms: null }));
  const { crossings, crossovers, figures, measurements } = await campaignReport(rowsToTable(two), "t");
  assert.equal(new Set(measurements.rows.map(([model, tokens]) => `${model} ${tokens}`)).size, 12);
  const pairs = crossings.rows.filter((row) => row[2] === "ttft_ms").map(([a, b]) => `${a}, ${b}`);
  assert.deepEqual([...new Set(pairs)], ["m-transformer (a), m-ssm (a)", "m-transformer (b), m-ssm (b)"]);
  assert.match(crossovers[0]!, /m-transformer \(a\) and m-ssm \(a\)/);
  assert.ok(
    figures.some(({ name }) => name.startsWith("scaling")),
    figures.map(({ name }) => name).join(),
  );
});

test("no two columns of the measurements share a name, and an unmeasured cache is no zero", () => {
  const { columns, rows: cells } = measurementsTable([
    { model: "a", ssm_state_bytes: 2 ** 20, conv_state_bytes: 2 ** 19 },
    { model: "b", status: "oom" },
  ]);
  const labels = columns.map(({ label }) => label);
  assert.equal(new Set(labels).size, labels.length);
  const held = labels.indexOf("cache or state MiB");
  assert.deepEqual(
    cells.map((row) => row[held]),
    [1.5, null],
  );
});
