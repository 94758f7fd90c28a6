import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { memoryCampaign } from "../../../src/run/campaign.js";
import { plan, type Settings } from "../../../src/run/plan.js";
import type { Row } from "../../../src/record/index.js";
import { WITHIN } from "../../../src/run/sweep/next-probe.js";
import { fakeSweep, type Engine } from "./fake-engine.js";

const cellsOf = (settings: Partial<Settings> = {}) =>
  plan(
    { models: ["mamba2-130m"], promptTokens: [1024, 2048, 4096, 8192], repeats: 2, ...settings },
    () => false,
  );

/** Bytes that grow with the prompt; over a budget they are out of memory. */
const limitedTo =
  (tokens: number): Engine =>
  ({ promptTokens, memoryBytes }) =>
    promptTokens <= tokens * ((memoryBytes ?? 1e9) / 1e9)
      ? { total_bytes: promptTokens * 1000 }
      : { status: "oom", status_reason: "no room" };

const outline = (rows: readonly Row[]): unknown[] =>
  rows.map(({ prompt_tokens, repeat, status }) => [prompt_tokens, repeat ?? null, status]);
const campaignOf = (earlier: readonly Row[]) => ({ ...memoryCampaign("fake"), earlier });

suite("after a length that ran out of memory", () => {
  test("longer ones are skipped, each once, and shorter and other ones are not", async () => {
    const cells = [...cellsOf(), ...cellsOf({ batch: 2, promptTokens: [4096] })];
    const rows = await fakeSweep(cells, memoryCampaign("fake"), limitedTo(3000), { order: "sequential" });
    assert.deepEqual(outline(rows), [
      [1024, 0, "ok"],
      [1024, 1, "ok"],
      [2048, 0, "ok"],
      [2048, 1, "ok"],
      [4096, 0, "oom"],
      [8192, null, "skipped"],
      [4096, 0, "oom"],
    ]);
    const skipped = rows[5]!;
    assert.equal(skipped.status_reason, "implied: 4096 tokens ran out of memory");
    assert.equal(skipped.host, "fake");
    const again = await fakeSweep(cells, campaignOf(rows), () => assert.fail("nothing is missing"));
    assert.deepEqual(again, rows);
  });

  test("the later blocks leave it out too, whatever their order", async () => {
    for (const sharing of ["cell", "model"] as const) {
      const rows = await fakeSweep(cellsOf({ repeats: 5 }), memoryCampaign("fake"), limitedTo(3000), {
        sharing,
      });
      assert.equal(rows.filter(({ status }) => status === "ok").length, 10);
      assert.ok(rows.every(({ block, order_seed }) => block != null && order_seed === 1));
      // The longest may come first; then it was tried.
      const ends = rows
        .filter(({ status }) => status !== "ok")
        .map(({ prompt_tokens, status }) => [prompt_tokens, status]);
      assert.equal(ends.length, 2);
      assert.ok(ends.some(([tokens, status]) => tokens === 4096 && status === "oom"));
    }
  });
});

test("a cell that failed is not tried again by the same sweep, but by the next", async () => {
  const broken: Engine = ({ promptTokens }) =>
    promptTokens === 2048 ? { status: "failed", status_reason: "x" } : {};
  const rows = await fakeSweep(cellsOf({ repeats: 3 }), memoryCampaign("fake"), broken);
  assert.equal(rows.filter(({ status }) => status === "failed").length, 1);
  assert.equal(rows.filter(({ status }) => status === "ok").length, 9);
  const resumed = await fakeSweep(cellsOf({ repeats: 3 }), campaignOf(rows), () => ({}));
  assert.deepEqual(outline(resumed.slice(10)).sort(), [
    [2048, 0, "ok"],
    [2048, 1, "ok"],
    [2048, 2, "ok"],
  ]);
});

suite("a search for the limit", () => {
  const limits = (rows: readonly Row[]): Row[] => rows.filter(({ kind }) => kind === "limit");

  test("finds it to 2 %, for every budget by itself, and is the same when it is done again", async () => {
    const cells = [null, 0.7e9].flatMap((memoryBytes) =>
      cellsOf(memoryBytes === null ? {} : { memoryBytes }),
    );
    const rows = await fakeSweep(cells, memoryCampaign("fake"), limitedTo(5000), { bisect: true });
    const [all, less, ...none] = limits(rows);
    assert.deepEqual(none, []);
    for (const [row, limit, budget] of [
      [all!, 5000, 1e9],
      [less!, 3500, 0.7e9],
    ] as const) {
      const { max_prompt_tokens: ran, next_prompt_tokens: failed } = row;
      assert.ok(ran! <= limit && limit < failed! && failed! - ran! <= WITHIN * ran!, `${ran} to ${failed}`);
      assert.equal(row.memory_limit_bytes, budget);
      assert.equal(row.total_bytes, ran! * 1000);
      assert.equal(row.status, "ok");
      assert.equal(row.method, "bisection");
      assert.equal(row.prompt_tokens ?? null, null);
    }
    const again = await fakeSweep(cells, campaignOf(rows), () => assert.fail("nothing is missing"), {
      bisect: true,
    });
    assert.deepEqual(again, rows);
    const cut = rows.slice(0, -4);
    const resumed = await fakeSweep(cells, campaignOf(cut), limitedTo(5000), { bisect: true });
    assert.deepEqual(
      limits(resumed).map(({ next_prompt_tokens }) => next_prompt_tokens),
      limits(rows).map(({ next_prompt_tokens }) => next_prompt_tokens),
    );
  });

  test("goes where the memory held so far says, and to the limit also where it grows by another law", async () => {
    const budget = 24e9;
    // A budget that a line meets at 100 123 tokens, a step that no line foretells, and one that lets go of memory.
    const laws: readonly [string, number, (tokens: number) => number][] = [
      ["a line", 4, (tokens) => 4e9 + (20e9 / 100_123) * tokens],
      ["a step", 12, (tokens) => 4e9 + (20e9 / 200_000) * tokens + (tokens > 61_003 ? 30e9 : 0)],
      ["a square", 12, (tokens) => 4e9 + 20e9 * (tokens / 31_001) ** 2],
      ["a fall", 12, (tokens) => (tokens > 50_000 ? 30e9 : 4e9 - tokens)],
    ];
    for (const [law, most, bytesOf] of laws) {
      const engine: Engine = ({ promptTokens }) => {
        const process_device_bytes = bytesOf(promptTokens);
        return process_device_bytes <= budget
          ? { process_device_bytes }
          : { status: "oom", status_reason: "no room" };
      };
      const cells = cellsOf({ promptTokens: [4096, 220_160], memoryBytes: budget, repeats: 1 });
      const rows = await fakeSweep(cells, memoryCampaign("fake"), engine, {
        bisect: true,
        order: "sequential",
      });
      const [limit] = limits(rows);
      const { max_prompt_tokens: ran, next_prompt_tokens: failed } = limit!;
      assert.ok(bytesOf(ran!) <= budget && budget < bytesOf(failed!) && failed! - ran! <= WITHIN * ran!, law);
      const probes = rows.length - cells.length - 1;
      assert.ok(probes <= most, `${law}: ${probes} probes`);
      const cut = rows.slice(0, -3);
      const resumed = await fakeSweep(cells, campaignOf(cut), engine, { bisect: true });
      assert.deepEqual(outline(resumed), outline(rows), law);
    }
  });

  test("goes down where no length ran, and says so where not one token does", async () => {
    const [row] = limits(await fakeSweep(cellsOf(), memoryCampaign("fake"), limitedTo(10), { bisect: true }));
    assert.deepEqual([row!.max_prompt_tokens, row!.next_prompt_tokens], [10, 11]);
    const [none] = limits(await fakeSweep(cellsOf(), memoryCampaign("fake"), limitedTo(0), { bisect: true }));
    assert.deepEqual([none!.status, none!.max_prompt_tokens, none!.next_prompt_tokens], ["oom", null, 1]);
  });

  test("says nothing where all fits, or where a probe ends otherwise", async () => {
    assert.deepEqual(
      limits(await fakeSweep(cellsOf(), memoryCampaign("fake"), () => ({}), { bisect: true })),
      [],
    );
    const lines: string[] = [];
    const engine: Engine = (cell, repeat) =>
      [1024, 2048, 4096, 8192].includes(cell.promptTokens)
        ? limitedTo(5000)(cell, repeat)
        : { status: "failed", status_reason: "a crash" };
    const rows = await fakeSweep(cellsOf(), memoryCampaign("fake"), engine, {
      bisect: true,
      line: (text) => lines.push(text),
    });
    assert.deepEqual(limits(rows), []);
    assert.deepEqual(lines, [
      "mamba2-130m, 5792 tokens: neither ran nor ran out of memory, so that the limit stays unknown",
    ]);
  });
});
