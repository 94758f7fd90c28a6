import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { loadRows, type Row } from "../../src/record/index.js";
import { InterruptedError, run, type RunOptions } from "../../src/run/index.js";

const OPTIONS: RunOptions = {
  models: ["gpt-neo-125m", "mamba2-130m"],
  promptTokens: [8],
  newTokens: 3,
  repeats: 2,
  progress: "none",
};

suite("a small campaign", () => {
  let folder: string;
  let out: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-run-"));
    out = join(folder, "first");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  test("gives one row a sample, and the same rows on disk", async () => {
    const table = await run({ ...OPTIONS, out });
    assert.equal(table.numRows(), 4);
    const rows = table.objects() as Row[];
    assert.deepEqual(
      rows.map(({ model, repeat, status }) => [model, repeat, status]),
      [
        ["gpt-neo-125m", 0, "ok"],
        ["gpt-neo-125m", 1, "ok"],
        ["mamba2-130m", 0, "ok"],
        ["mamba2-130m", 1, "ok"],
      ],
    );
    for (const row of rows) {
      assert.equal(row.itl_ms!.length, 2);
      const decode = row.itl_ms!.reduce((sum, ms) => sum + ms, 0);
      assert.ok(Math.abs(row.e2e_ms! - row.ttft_ms! - decode) < 1e-6);
      assert.ok(Math.abs(row.tpot_ms! - decode / 2) < 1e-6);
      assert.ok(row.peak_activation_bytes! > 0);
      assert.equal(row.weights, "random");
      for (const column of ["device", "ort_version", "node_version", "os", "cell", "measured_at"] as const)
        assert.ok(row[column], column);
    }
    const [neo, , mamba] = rows;
    assert.equal(neo!.weights_bytes, 4 * 125_198_592);
    assert.equal(neo!.kv_cache_bytes, 2 * 12 * 12 * 64 * (8 + 3) * 4);
    assert.equal(mamba!.weights_bytes, 4 * 128_989_632);
    assert.equal(mamba!.ssm_state_bytes, 4 * 4_718_592);
    assert.equal(mamba!.conv_state_bytes, 4 * 24 * 1792 * 3);
    assert.deepEqual(loadRows(out).objects(), table.objects());
  });

  test("is not touched by another run unless it is to go on", async () => {
    const held = readFileSync(join(out, "rows.jsonl"), "utf8");
    await assert.rejects(run({ ...OPTIONS, out }), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /already holds a campaign of 4 rows; go on with it \(--resume\)/);
      return true;
    });
    assert.equal(readFileSync(join(out, "rows.jsonl"), "utf8"), held);
  });

  test("goes on with what is missing only, and mends a cut last line", async () => {
    appendFileSync(join(out, "rows.jsonl"), '{"kind":"latency","model":"mamba2-1');
    const before = loadRows(out, { onWarning: () => undefined }).objects();
    const table = await run({ ...OPTIONS, out, resume: true, models: ["mamba2-130m"], repeats: 3 });
    const rows = table.objects() as Row[];
    assert.deepEqual(rows.slice(0, 4), before);
    assert.deepEqual(
      rows.slice(4).map(({ model, repeat }) => [model, repeat]),
      [["mamba2-130m", 2]],
    );
    assert.equal(
      loadRows(out, {
        onWarning: (message) => {
          throw new Error(message);
        },
      }).numRows(),
      5,
    );
  });

  test("keeps complete rows when it is interrupted", async () => {
    const controller = new AbortController();
    const interrupted = join(folder, "interrupted");
    const running = run({ ...OPTIONS, out: interrupted, repeats: 1000, signal: controller.signal });
    const file = join(interrupted, "rows.jsonl");
    const watch = setInterval(() => {
      if (existsSync(file)) controller.abort();
    }, 20);
    await assert.rejects(running, (error: unknown) => {
      assert.ok(error instanceof InterruptedError, String(error));
      assert.ok(error.table.numRows() >= 1);
      assert.deepEqual(loadRows(interrupted).objects(), error.table.objects());
      return true;
    });
    clearInterval(watch);
  });

  test("is not continued where something else would be measured", async () => {
    const moved = join(folder, "moved");
    mkdirSync(moved);
    const rows = readFileSync(join(out, "rows.jsonl"), "utf8").replaceAll(
      /"ort_version":"[^"]*"/g,
      '"ort_version":"1.0.0"',
    );
    writeFileSync(join(moved, "rows.jsonl"), rows);
    await assert.rejects(
      run({ ...OPTIONS, out: moved, resume: true }),
      /with ort_version 1.0.0, and here it is 1\./,
    );
  });

  test("float16 runs on the CPU as far as ONNX Runtime's casts carry it", async () => {
    const table = await run({
      ...OPTIONS,
      dtype: "fp16",
      repeats: 1,
      models: [...OPTIONS.models, "mamba-130m"],
    });
    const rows = table.objects() as Row[];
    assert.deepEqual(
      rows.map(({ model, status, dtype }) => [model, status, dtype]),
      ["gpt-neo-125m", "mamba2-130m", "mamba-130m"].map((model) => [model, "ok", "fp16"]),
    );
    assert.equal(rows[0]!.weights_bytes, 2 * 125_198_592);
  });

  test("writes nothing when the settings make no sense", async () => {
    const nowhere = join(folder, "nowhere");
    await assert.rejects(run({ ...OPTIONS, out: nowhere, promptTokens: [0] }), UserError);
    assert.throws(() => loadRows(nowhere), UserError);
  });
});
