import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Row } from "../../../src/record/index.js";
import type { Cell } from "../../../src/run/index.js";
import { runCells } from "../../../src/run/run.js";
import { after, block, first, NULL_POINTER } from "../../support/cell-preload.js";
import { temporaryFolder } from "../../support/temporary.js";
import { tinyCells } from "../../support/tiny-cells.js";

const folder = temporaryFolder();
const NEO = tinyCells({ promptTokens: [8, 12, 16], newTokens: 2, repeats: 2 }).filter(
  ({ model }) => model.name === "tiny-gpt-neo",
);

const rowsOf = async (cells: readonly Cell[], options: Parameters<typeof runCells>[1]): Promise<Row[]> =>
  (await runCells(cells, { progress: "none", ...options })).objects();
const outline = (rows: readonly Row[]): unknown[] =>
  rows.map(({ prompt_tokens, repeat, status }) => [prompt_tokens, repeat ?? null, status]);

suite("a process of a cell", () => {
  test("that hangs is killed when its time is over, and the sweep goes on", async () => {
    const hang = after("row", `if (message.row.prompt_tokens === 8) ${block(60_000)}`);
    const out = join(folder, "hang");
    const rows = await rowsOf(NEO.slice(0, 2), { out, isolate: "cell", timeoutS: 5, preload: [hang] });
    assert.deepEqual(outline(rows), [
      [8, 0, "ok"],
      [8, null, "timeout"],
      [12, 0, "ok"],
      [12, 1, "ok"],
    ]);
    assert.equal(
      rows[1]!.status_reason,
      "the process was killed when its 5 s were over, after the first sample; it logged nothing",
    );
    assert.deepEqual(readdirSync(out).sort(), ["environment.json", "rows.jsonl"]);
  });

  test("that takes more resident memory than the budget has run out of it; longer cells are not tried", async () => {
    // Nothing that ONNX Runtime's own checks would see: it grows while a generation is timed.
    const grow = after("row", `globalThis.held = Buffer.alloc(2 ** 30, 1); ${block(3000)}`);
    const budget = 800e6;
    const cells = NEO.map((cell) => ({ ...cell, memoryBytes: budget }));
    const rows = await rowsOf(cells, { preload: [grow] });
    assert.deepEqual(outline(rows), [
      [8, 0, "ok"],
      [8, null, "oom"],
      [12, null, "skipped"],
      [16, null, "skipped"],
    ]);
    const held = Number(
      /^the process was killed when it held (\d+) bytes, over its budget of 800000000,/.exec(
        rows[1]!.status_reason!,
      )?.[1],
    );
    assert.ok(held > budget && held < 2e9, rows[1]!.status_reason!);
    assert.equal(rows[1]!.memory_limit_bytes, budget);
  });

  test("may be shared by the cells of a model; after a crash a new one takes those that are left", async () => {
    const processes = join(folder, "processes");
    const preload = [
      first(`import { appendFileSync } from "node:fs"; appendFileSync(${JSON.stringify(processes)}, ".");`),
      after("row", `if (message.row.prompt_tokens === 12) ${NULL_POINTER}`),
    ];
    const rows = await rowsOf(NEO, { isolate: "model", preload });
    assert.deepEqual(outline(rows), [
      [8, 0, "ok"],
      [8, 1, "ok"],
      [12, 0, "ok"],
      [12, null, "failed"],
      [16, 0, "ok"],
      [16, 1, "ok"],
    ]);
    assert.match(rows[3]!.status_reason!, /^the process was killed by SIGSEGV after the first sample;/);
    assert.equal(readFileSync(processes, "utf8"), "..", "two processes");
  });
});

test("limits that nothing could keep are refused", async () => {
  await assert.rejects(rowsOf(NEO, { isolate: "none", timeoutS: 5 }), {
    name: "UserError",
    message: "a time limit needs cells in processes of their own; use --isolate cell or model",
  });
  await assert.rejects(rowsOf(NEO, { timeoutS: 0 }), /the time limit is 0 s; it must be above 0/);
});

test("rows say their block and the seed of the order, which a campaign keeps", async () => {
  const out = join(folder, "blocks");
  const taken = await rowsOf(NEO.slice(0, 2), { out, isolate: "none", order: "blocks", orderSeed: 5 });
  assert.deepEqual(
    taken.map(({ block, order_seed }) => [block, order_seed]),
    [
      [0, 5],
      [0, 5],
      [1, 5],
      [1, 5],
    ],
  );
  const rows = await rowsOf(NEO, { out, isolate: "none", order: "blocks", resume: true });
  assert.deepEqual(new Set(rows.map(({ order_seed }) => order_seed)), new Set([5]));
  const [other] = await rowsOf(NEO.slice(0, 1), { isolate: "none" });
  assert.deepEqual([other!.block ?? null, other!.order_seed ?? null], [null, null]);
});

test("a temperature to cool down to needs a sensor, which is asked before anything is written", async () => {
  const out = join(folder, "warm");
  const none = (): Promise<number> => Promise.reject(new Error("no sensor"));
  await assert.rejects(rowsOf(NEO, { out, isolate: "none", coolToC: 50, thermometer: none }), /no sensor/);
  assert.throws(() => readdirSync(out), /ENOENT/);
  const read: number[] = [];
  const degrees = (): Promise<number> => Promise.resolve(read.push(40) && 40);
  await rowsOf(NEO, { isolate: "none", coolToC: 50, thermometer: degrees });
  assert.equal(read.length, 1 + NEO.length, "once at first, and before each cell");
});
