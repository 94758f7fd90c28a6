import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { formatJsonLines, loadRows, readJsonLines, ROWS_FILE, type Row } from "../../../src/record/index.js";
import { memoryCampaign } from "../../../src/run/campaign.js";
import type { AnyCell } from "../../../src/run/plan.js";
import { expandPlan } from "../../../src/run/index.js";
import { runCells } from "../../../src/run/run.js";
import { isEnough, mostRepeats, precisionOf } from "../../../src/run/sweep/enough.js";
import { inDoubt, remeasureOf } from "../../../src/run/sweep/remeasure.js";
import type { Watch } from "../../../src/run/watch-conditions.js";
import { windowConditions } from "../../../src/sensors/window-conditions.js";
import { tinyCells } from "../../support/tiny-cells.js";
import { fakeSweep } from "./fake-engine.js";

const CELLS = tinyCells({ promptTokens: [8], newTokens: 3, repeats: 3 });
const CELL = CELLS[0]!;

const refused = (act: () => unknown, message: RegExp): void => {
  assert.throws(act, { name: "UserError", message });
};

suite("a cell that is measured until it is known precisely enough", () => {
  const precision = { targetWidth: 0.02, maxRepeats: null };
  const times = (...ttfts: number[]): Row[] => ttfts.map((ttft_ms) => ({ ttft_ms, tpot_ms: 2 }));

  test("is so by the intervals of both its times, and never before six samples", () => {
    const steady = [10, 10, 10.01, 10, 9.99, 10];
    assert.equal(isEnough(times(...steady), CELL, precision), true);
    assert.equal(isEnough(times(...steady.slice(1)), CELL, precision), false);
    assert.equal(isEnough(times(...steady.slice(1), 12), CELL, precision), false);
    const other = times(...steady).map((row, i) => ({ ...row, tpot_ms: 2 + i }));
    assert.equal(isEnough(other, CELL, precision), false, "its TPOT is not known yet");
    const single = steady.map((ttft_ms) => ({ ttft_ms, tpot_ms: null }));
    assert.equal(isEnough(single, CELL, precision), true, "one token has none");
    assert.equal(isEnough(times(...steady), { repeats: 7 }, precision), false, "more were asked for");
    assert.equal(isEnough(times(...steady), CELL, null), false);
  });

  test("ends at the most repeats", () => {
    assert.deepEqual(
      [null, precision, { ...precision, maxRepeats: 12 }].map((one) => mostRepeats({ repeats: 5 }, one)),
      [5, 50, 12],
    );
  });

  test("has settings that make sense", () => {
    assert.equal(precisionOf({}), null);
    refused(() => precisionOf({ targetWidth: 2 }), /target width is 2; it must be between 0 and 1/);
    refused(() => precisionOf({ targetWidth: 0.02, maxRepeats: 5 }), /maxRepeats is 5; .* 6 or more/);
    refused(() => precisionOf({ maxRepeats: 20 }), /maxRepeats is 20, but only a target width needs it/);
  });

  test("stops in blocks while others go on, and takes nothing more when resumed", async () => {
    const at = (...ttfts: number[]): Row[] => ttfts.map((ttft_ms) => ({ ttft_ms }));
    const [quiet, noisy] = [at(10, 10.01), at(10, 15)];
    const engine = (cell: AnyCell, repeat: number): Row =>
      (cell.key === CELL.key ? quiet : noisy)[repeat % 2]!;
    const rows = await fakeSweep(CELLS, memoryCampaign("fake"), engine, { precision });
    const counts = (of: readonly Row[]): number[] =>
      CELLS.map(({ key }) => of.filter(({ cell }) => cell === key).length);
    assert.deepEqual(counts(rows), [6, 30]);
    const campaign = { ...memoryCampaign("fake"), earlier: rows };
    const again = await fakeSweep(CELLS, campaign, () => assert.fail("nothing is missing"), { precision });
    assert.deepEqual(counts(again), [6, 30]);
  });

  test("stops in a visit, counting the samples that a resumed campaign holds", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ssm-scope-precise-"));
    try {
      const out = join(folder, "narrow");
      const cells = [CELL];
      await runCells(cells, { out, progress: "none", targetWidth: 1e-9, maxRepeats: 6 });
      const { rows } = readJsonLines(join(out, ROWS_FILE));
      assert.equal(rows.length, 6, "no six times are equal to a billionth");
      // Five samples of a second each; the sixth takes milliseconds, which is an interval of less than 100 %.
      const five = rows.slice(0, 5).map((row) => ({ ...row, ttft_ms: 1000, tpot_ms: 1000 }));
      writeFileSync(join(out, ROWS_FILE), formatJsonLines(five));
      const resumed = await runCells(cells, { out, resume: true, progress: "none", targetWidth: 0.999999 });
      assert.equal(resumed.numRows(), 6);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

suite("samples in doubt", () => {
  const row = (repeat: number, attempt: number, ...reasons: string[]): Row => ({
    kind: "latency",
    status: "ok",
    repeat,
    attempt,
    verdict: reasons.length > 0 ? "suspect" : "ok",
    verdict_reasons: reasons,
  });
  const found = (rows: Row[], attempts = 2) =>
    inDoubt([CELL], () => rows, attempts).map(({ repeats, attempt }) => [repeats, attempt]);

  test("are those whose newest reading has a reason that may have passed", () => {
    assert.deepEqual(
      found([
        row(0, 0),
        row(1, 0, "throttled"),
        row(2, 0, "unverified_numerics"),
        row(3, 0, "unstable-warm-up"),
      ]),
      [[[1, 3], 1]],
    );
    assert.deepEqual(found([row(1, 0, "throttled"), row(1, 1)]), []);
    assert.deepEqual(found([row(1, 0, "throttled"), row(1, 1, "clock_drift")]), [[[1], 2]]);
    assert.deepEqual(found([row(1, 2, "throttled")]), [], "often enough");
    assert.deepEqual(found([{ ...row(1, 0, "throttled"), status: "failed" }]), []);
    assert.deepEqual(found([{ ...row(1, 0, "throttled"), kind: "energy" }]), []);
  });

  test("have settings that make sense", () => {
    assert.deepEqual(remeasureOf({ budgetS: 60 }), { budgetS: 60, attempts: 2 });
    refused(() => remeasureOf({ budgetS: 0 }), /budget of measuring again is 0 s/);
    refused(() => remeasureOf({ budgetS: 1, attempts: 0.5 }), /attempts at measuring again are 0.5/);
  });

  /** A GPU that is slowed down by heat in its first readings. */
  const hot = (readings: number): (() => Promise<Watch>) => {
    let left = readings;
    return () =>
      Promise.resolve({
        since: () => {
          const clocks_event_reasons = left-- > 0 ? "hw_thermal_slowdown" : "none";
          const gpu = windowConditions([{ at_ms: 0, device: "GPU-0", values: { clocks_event_reasons } }]);
          return Promise.resolve({ gpu, host: null });
        },
        stop: () => Promise.resolve(),
      });
  };
  const OPTIONS = { progress: "none", warmUp: { tolerance: 1e9, maxRuns: 2 } } as const;
  const attempts = (rows: Row[]) =>
    rows
      .filter(({ cell }) => cell === CELL.key)
      .map(({ repeat, attempt, superseded, verdict_reasons }) => [
        repeat,
        attempt,
        superseded ?? false,
        verdict_reasons!.includes("throttled"),
      ]);

  test("are taken again by a sweep, and the rows before stay", async () => {
    const out = mkdtempSync(join(tmpdir(), "ssm-scope-again-"));
    try {
      const remeasure = { budgetS: 600 };
      const table = await runCells([CELL], { ...OPTIONS, out, watch: hot(3), remeasure });
      const expected = [
        [0, 0, true, true],
        [1, 0, true, true],
        [2, 0, true, true],
        [0, 1, false, false],
        [1, 1, false, false],
        [2, 1, false, false],
      ];
      const rows = (told: { objects: () => object[] }): unknown[] =>
        attempts(told.objects() as Row[]).map(([repeat, attempt, superseded, throttled]) => [
          repeat,
          attempt,
          superseded,
          throttled,
        ]);
      // In a process this fast another reason, a time too short, may remain: it is no reason to try again.
      assert.deepEqual(rows(table), expected);
      assert.deepEqual(rows(loadRows(out)), expected);
    } finally {
      rmSync(out, { recursive: true });
    }
  });

  test("stay as they are where they do not get better, or the time is up", async () => {
    const remeasure = { budgetS: 600, attempts: 2 };
    const [never, late] = [
      await runCells([CELL], { ...OPTIONS, watch: hot(Infinity), remeasure }),
      await runCells([CELL], { ...OPTIONS, watch: hot(Infinity), remeasure: { budgetS: 1e-9 } }),
    ].map((table) => table.objects() as Row[]);
    assert.equal(never!.length, 9);
    assert.ok(never!.every(({ verdict }) => verdict === "suspect"));
    assert.equal(never!.filter(({ superseded }) => superseded).length, 6);
    assert.equal(late!.length, 3);
  });
});

test("a plan says both", () => {
  const base = { models: "gpt-neo-125m", promptTokens: 8 };
  const { options } = expandPlan({ ...base, untilWidth: "2%", maxRepeats: 40, remeasure: "5min" });
  assert.deepEqual(
    [options.targetWidth, options.maxRepeats, options.remeasure],
    [0.02, 40, { budgetS: 300 }],
  );
  refused(() => expandPlan({ ...base, untilWidth: "narrow" }), /untilWidth.*narrow/);
});
