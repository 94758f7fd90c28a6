import assert from "node:assert/strict";
import { test } from "node:test";
import { figure6a, type Figure } from "../../src/figures/index.js";
import { campaignPoints, fromPaper, paperPoints } from "./sources.js";
import { objectsIn, rowsWith } from "./spec.js";

const FAITHFUL = { form: "faithful" } as const;
const MIB = 2 ** 20;
const bars = ({ spec }: Figure) => rowsWith(spec, "series").filter((bar) => "from" in bar);

test("Figure 1: seconds with the paper's decimals", () => {
  const { spec, caption } = fromPaper("fig1", FAITHFUL);
  assert.deepEqual(
    rowsWith(spec, "top").map(({ text }) => text),
    ["0.0138", "0.0260", "1.300", "0.491", "0.0125", "0.0138", "0.0418", "0.0137"],
  );
  assert.match(caption, /in seconds/);
});

test("Figure 3: fifteen bars from 20 to 85 %, TTFT in seconds in the paper's order", () => {
  const { spec } = fromPaper("fig3", FAITHFUL);
  assert.equal(rowsWith(spec, "accuracyPct").length, 15);
  assert.deepEqual(
    rowsWith(spec, "seconds")
      .slice(0, 3)
      .map(({ model, seconds }) => [(model as string).replaceAll("\n", "-"), seconds]),
    [
      ["Qwen2.5-1.5B", 8.24],
      ["Mamba2-1.3B", 1.35],
      ["Falcon-H1-1.5B", 2.95],
    ],
  );
  assert.ok([...objectsIn(spec)].some(({ domain }) => Array.isArray(domain) && domain.join() === "20,85"));
});

test("Figure 5a: seven models at nineteen lengths, MiB over 1,000, the limit at 24.576", () => {
  const figure = fromPaper("fig5a", FAITHFUL);
  const drawn = bars(figure);
  assert.equal(new Set(drawn.map(({ group }) => group)).size, 19);
  // 3 + 10 + 11 + 19 + 19 + 17 + 9 bars of three pieces.
  assert.equal(drawn.length, 3 * 88);
  const tops = drawn.filter(({ group, series }) => group === "57,344" && series === "Qwen2.5-0.5B");
  assert.equal(Math.max(...tops.map(({ to }) => Number(to))).toFixed(5), "19.86576");
  assert.deepEqual(
    rowsWith(figure.spec, "limit").map(({ limit }) => limit),
    [24.576, 24.576],
  );
  assert.match(figure.caption, /not to scale.*24\.576 stands for 24 GiB/);
});

test("Figure 5b: the cache below 0 is drawn downward, as in the paper", () => {
  const figure = fromPaper("fig5b", FAITHFUL);
  const cache = bars(figure).filter(({ group, series }) => group === "256" && series === "Falcon-H1-0.5B");
  const down = cache.filter(({ from, to }) => Number(to) < Number(from));
  assert.equal(down.length, 1);
  assert.equal(((Number(down[0]!.to) - Number(down[0]!.from)) * 1000).toFixed(2), "-230.26");
  assert.match(figure.caption, /−230 MiB/);
});

test("Figures 6a and 6b: bars from the foot of the axis, joules printed with one decimal", () => {
  const energy = fromPaper("fig6a", FAITHFUL);
  assert.equal(bars(energy).length, 30);
  for (const { from } of bars(energy)) assert.equal(from, 1);
  const printed = rowsWith(energy.spec, "text").map(({ text }) => text);
  for (const joules of ["1492.6", "370.5", "613.2"]) assert.ok(printed.includes(joules), joules);
  const throughput = fromPaper("fig6b", FAITHFUL);
  assert.equal(bars(throughput).length, 21);
  assert.match(throughput.caption, /As the paper drew it/);
});

test("own rows take the same form, under the paper's where both are given; missing rows are said", () => {
  const both = figure6a({ paper: paperPoints("6a"), rows: campaignPoints() }, FAITHFUL);
  assert.equal(both.name, "fig6a-both");
  assert.equal((both.spec.vconcat as unknown as object[]).length, 2);
  const none = figure6a({ rows: [] }, FAITHFUL);
  assert.match(none.caption, /no row has energy_j.*Qwen2\.5-0\.5B, Mamba2-780m and Falcon-H1-0\.5B/);
  const gpu = bars(fromPaper("fig5a", FAITHFUL)).map(({ to }) => Number(to) * 1000 * MIB);
  assert.ok(Math.max(...gpu) < 24 * 2 ** 30, "nothing published exceeds the device");
});
