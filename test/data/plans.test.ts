import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { REGISTRY } from "../../src/models/index.js";
import { planSweep } from "../../src/run/index.js";

const cellsOf = (name: string) =>
  planSweep(JSON.parse(readFileSync(`data/plans/${name}`, "utf8")) as unknown).cells;

test("every plan is one", () => {
  for (const name of readdirSync("data/plans")) assert.ok(cellsOf(name).length > 0, name);
});

test("the plan of latencies has every model of the registry, at 1K to 220160 tokens where its positions can be exceeded", () => {
  const cells = cellsOf("latency.json");
  for (const { name } of REGISTRY) {
    const lengths = cells.filter(({ model }) => model.name === name).map(({ promptTokens }) => promptTokens);
    assert.deepEqual([lengths[0], lengths.at(-1)], [1024, name === "gpt-neo-125m" ? 1024 : 220160], name);
  }
});

test("what is repeated are cells of the plan of latencies, so that the two can be compared", () => {
  const known = new Set(cellsOf("latency.json").map(({ key }) => key));
  const again = cellsOf("repeat.json");
  assert.equal(again.length, 10);
  assert.ok(again.every(({ key }) => known.has(key)));
});
