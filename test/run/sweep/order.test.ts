import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { Row } from "../../../src/record/index.js";
import { plan, type AnyCell } from "../../../src/run/plan.js";
import { lengthsOf } from "../../../src/run/sweep/range.js";
import { nextProbe, WITHIN } from "../../../src/run/sweep/next-probe.js";
import { schedule } from "../../../src/run/sweep/schedule.js";
import { settingKey, weightsKey } from "../../../src/run/sweep/setting.js";
import { parseShard, shardOf } from "../../../src/run/sweep/shard.js";
import { planSweep } from "../../../src/run/sweep/sweep.js";
import { bytesOf, secondsOf, tokensOf } from "../../../src/run/units.js";
import type { Todo } from "../../../src/run/work.js";

const CELLS = plan(
  { models: ["gpt-neo-125m", "mamba2-130m"], promptTokens: [16, 32, 64, 128], repeats: 3 },
  () => false,
);
const TODO: Todo[] = CELLS.map((cell) => ({ cell, repeats: [0, 1, 2], energyRepeats: [0] }));
const names = (batches: readonly (readonly Todo[])[]): string[] => batches.flat().map(({ cell }) => cell.key);

test("quantities are read with their units, and nothing else is", () => {
  assert.deepEqual(["512", "8K", " 2k "].map(tokensOf), [512, 8192, 2048]);
  assert.deepEqual(["24GB", "8GiB", "1.5 MiB", "7"].map(bytesOf), [24e9, 2 ** 33, 1.5 * 2 ** 20, 7]);
  assert.deepEqual(["90", "90s", "5min", "1.5 h"].map(secondsOf), [90, 90, 300, 5400]);
  for (const [parse, texts] of [
    [tokensOf, ["8Kb", "8 M", "", "1.5K"]],
    [bytesOf, ["24GX", "GB", "-1"]],
    [secondsOf, ["5m", "", "-1", "1 day"]],
  ] as const)
    for (const text of texts) assert.equal(parse(text), null, text);
});

test("ranges grow by a factor or a difference and hold their end where a step meets it", () => {
  assert.deepEqual(lengthsOf("1024..131072*2"), [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072]);
  assert.deepEqual(lengthsOf("1K..3K+512"), [1024, 1536, 2048, 2560, 3072]);
  assert.deepEqual(lengthsOf("10..20*1.5"), [10, 15]);
  assert.deepEqual(lengthsOf("1..4*1.1"), [1, 2, 3, 4], "a factor that rounds to nothing goes on by one");
  assert.deepEqual(lengthsOf("7..7+1"), [7]);
  assert.equal(lengthsOf("many"), null);
});

suite("an order in blocks", () => {
  const batches = schedule(TODO, "blocks", 1, "cell");

  test("takes each cell once a block, blocks in their order", () => {
    assert.equal(batches.length, 3 * CELLS.length);
    for (const block of [0, 1, 2]) {
      const mine = batches.slice(block * CELLS.length, (block + 1) * CELLS.length).flat();
      assert.ok(mine.every((one) => one.block === block && one.repeats.join() === String(block)));
      assert.deepEqual(new Set(mine.map(({ cell }) => cell.key)), new Set(CELLS.map(({ key }) => key)));
      assert.ok(mine.every(({ energyRepeats }) => energyRepeats.length === (block === 0 ? 1 : 0)));
    }
  });

  test("is shuffled anew in every block and for every seed, and the same for the same", () => {
    const first = names(batches).slice(0, CELLS.length);
    assert.notDeepEqual(first, names(batches).slice(CELLS.length, 2 * CELLS.length));
    assert.notDeepEqual(first, names(schedule(TODO, "blocks", 2, "cell")).slice(0, CELLS.length));
    assert.deepEqual(names(schedule(TODO, "blocks", 1, "cell")), names(batches));
    assert.deepEqual(
      names(schedule(TODO.slice(2), "blocks", 1, "cell")),
      names(batches).filter((key) => TODO.slice(2).some(({ cell }) => cell.key === key)),
      "what is missing keeps its order",
    );
  });

  test("puts each cell at each place as often", () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 800; seed++) {
      const [first] = names(schedule(TODO, "blocks", seed, "cell"));
      counts.set(first!, (counts.get(first!) ?? 0) + 1);
    }
    // 100 expected of each of 8; six standard deviations of a binomial are 56.
    for (const { key } of CELLS) assert.ok(Math.abs(counts.get(key)! - 100) < 56, `${counts.get(key)}`);
  });

  test("keeps the cells of a model together where they share a process", () => {
    const shared = schedule(TODO, "blocks", 1, "model");
    assert.equal(shared.length, 6);
    for (const batch of shared) {
      assert.equal(batch.length, 4);
      assert.equal(new Set(batch.map(({ cell }) => weightsKey(cell))).size, 1);
    }
  });

  test("is not asked for: one cell after the other, all its samples", () => {
    assert.deepEqual(
      schedule(TODO, "sequential", 1, "cell"),
      TODO.map((one) => [one]),
    );
    assert.deepEqual(schedule(TODO, "sequential", 1, "model"), [TODO.slice(0, 4), TODO.slice(4)]);
  });
});

test("cells that differ in more than their weights' use share no process", () => {
  const [one] = CELLS;
  for (const change of [
    { seed: 2 },
    { dtype: "fp16" },
    { ep: "cuda" },
    { quant: { bits: 8, block: 32 } },
  ] as const)
    assert.notEqual(weightsKey({ ...one!, ...change } as (typeof CELLS)[0]), weightsKey(one!));
  assert.equal(weightsKey({ ...one!, batch: 2, logits: "all" }), weightsKey(one!));
});

suite("shards", () => {
  test("have each cell once and are alike in number, whatever their count", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.boolean(), (count, together) => {
        const shards = Array.from({ length: count }, (_, index) =>
          shardOf(CELLS, { index, count }, together),
        );
        assert.deepEqual(new Set(shards.flat()), new Set(CELLS));
        assert.equal(shards.flat().length, CELLS.length);
        const sizes = shards.map(
          (shard) => new Set(shard.map((cell) => (together ? settingKey(cell) : cell.key))).size,
        );
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      }),
    );
  });

  test("hold whole settings where their limits are searched for", () => {
    const shards = [0, 1].map((index) => shardOf(CELLS, { index, count: 2 }, true));
    assert.deepEqual(
      shards.map((shard) => new Set(shard.map(({ model }) => model.name)).size),
      [1, 1],
    );
  });

  test("are numbered from 1", () => {
    assert.deepEqual(parseShard("2/4"), { index: 1, count: 4 });
    for (const text of ["0/4", "5/4", "1", "a/b", "1/0"])
      assert.throws(() => parseShard(text), {
        name: "UserError",
        message: `the shard is "${text}"; it must be i/n with i from 1 to n, e.g. 2/4`,
      });
  });
});

suite("cells that other campaigns hold", () => {
  const PLAN = { models: ["gpt-neo-125m", "qwen2.5-0.5b"], promptTokens: [16, 32], repeats: 2, newTokens: 1 };
  const all = planSweep(PLAN).cells;
  const rows = (cell: AnyCell, status: string, ...repeats: number[]): Row[] =>
    repeats.map((repeat) => ({ cell: cell.key, kind: "latency", status, repeat }));
  const kept = (except: readonly Row[], plan: object = PLAN): string[] =>
    planSweep(plan, { except }).cells.map(({ key }) => key);

  test("are left out where they are whole, or ended for good", () => {
    const elsewhere = [
      ...rows(all[0]!, "ok", 0, 1),
      ...rows(all[1]!, "ok", 1),
      ...rows(all[2]!, "failed", 0, 1),
      ...rows(all[3]!, "oom", 0),
    ];
    assert.deepEqual(kept(elsewhere), [all[1]!.key, all[2]!.key]);
    assert.deepEqual(kept(all.flatMap((cell) => rows(cell, "ok", 0, 1))), []);
  });

  test("are not whole without the energies that a plan asks for", () => {
    const times = rows(all[0]!, "ok", 0, 1);
    const plan = { ...PLAN, energy: true };
    assert.equal(kept(times, plan).length, 4);
    assert.equal(kept([...times, { ...times[0]!, kind: "energy" }], plan).length, 3);
  });
});

test("probes close in on any limit to 2 % or one token, between any two lengths", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 200_000 }),
      fc.integer({ min: 1, max: 200_000 }),
      fc.boolean(),
      (limit, above, any) => {
        // The longest length that fits, and what is known of it before.
        let ran = any && limit > 1 ? Math.ceil(limit / 2) : null;
        let failed = limit + above;
        let probes = 0;
        for (let next = nextProbe({ ran, failed }); next !== null; next = nextProbe({ ran, failed })) {
          assert.ok(next > (ran ?? 0) && next < failed);
          if (next <= limit) ran = next;
          else failed = next;
          assert.ok(++probes <= 40);
        }
        if (limit === 0) assert.deepEqual([ran, failed], [null, 1]);
        else {
          assert.ok(ran! <= limit && limit < failed);
          assert.ok(failed - ran! <= Math.max(1, WITHIN * ran!), `${ran} to ${failed}`);
        }
      },
    ),
  );
});
