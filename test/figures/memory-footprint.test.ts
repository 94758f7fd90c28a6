import assert from "node:assert/strict";
import { test } from "node:test";
import { figure5a, figure5b, type Figure } from "../../src/figures/index.js";
import { campaignPoints, fromPaper, paperPoints } from "./sources.js";
import { rowsWith } from "./spec.js";

interface Panel {
  title: { text: string; subtitle: readonly string[] };
}
const panels = (figure: Figure) => figure.spec.concat as unknown as (Panel & Figure["spec"])[];
const panel = (figure: Figure, name: string) => panels(figure).find(({ title }) => title.text === name)!;

const MIB_IN_GIB = 1024;

test("Figure 5a: the paper's models in its order, and how far each got", () => {
  assert.deepEqual(
    panels(fromPaper("fig5a")).map(({ title }) => `${title.text} ${title.subtitle[0]!}`),
    [
      "Phi-3-mini-128k to 4,096, not 8,192",
      "Qwen2.5-0.5B to 57,344, not 65,536",
      "Llama-3.2-1B to 65,536, not 73,728",
      "Mamba-790m to 220,000",
      "Mamba2-780m to 220,000",
      "Falcon-H1-0.5B to 163,840, not 180,224",
      "Zamba2-1.2B to 49,152, not 57,344",
    ],
  );
});

test("Figure 5a: from where on an SSM needs less than a Transformer, between two measured lengths", () => {
  const figure = fromPaper("fig5a");
  const mamba = panel(figure, "Mamba2-780m");
  assert.equal((mamba as unknown as Panel).title.subtitle[1], "below Qwen2.5-0.5B from 2,616");
  // The published totals are 1,699 MiB against 1,572 at 2,048 tokens, and 1,902 against 2,194 at 4,096.
  assert.deepEqual(
    rowsWith(mamba, "hi").map(({ lo, hi }) => [lo, hi]),
    [[2048, 4096]],
  );
  assert.match(
    figure.caption,
    /Mamba2-780m needs less than Qwen2\.5-0\.5B from 2,616 tokens on \(2,048 to 4,096\)/,
  );
});

test("Figure 5a: lengths of each model, totals and parts as audited", () => {
  const figure = fromPaper("fig5a");
  const counts = panels(figure).map((one) => rowsWith(one, "gib").length);
  assert.deepEqual(counts, [3, 10, 11, 19, 19, 17, 9]);
  const total = (name: string) =>
    Number(rowsWith(panel(figure, name), "gib").find(({ length }) => length === 57344)!.gib);
  assert.equal((total("Qwen2.5-0.5B") * MIB_IN_GIB).toFixed(2), "19865.76");
  assert.equal((1 - total("Mamba2-780m") / total("Qwen2.5-0.5B")).toFixed(3), "0.639");
  const kv = rowsWith(panel(figure, "Qwen2.5-0.5B"), "part").find(
    ({ part, length }) => part === "KV cache" && length === 57344,
  )!;
  assert.equal(((Number(kv.to) - Number(kv.from)) * MIB_IN_GIB).toFixed(0), "672");
  assert.ok(Math.abs(Number(kv.to) - total("Qwen2.5-0.5B")) < 1e-9, "the parts add up to the total");
});

test("the captions say the weaknesses that the figures show", () => {
  const a = fromPaper("fig5a").caption;
  for (const said of ["(W8)", "3.4 % of the total of Qwen2.5-0.5B (W9)", "18 KiB a token", "1.94 times"])
    assert.ok(a.includes(said), said);
  const b = fromPaper("fig5b").caption;
  for (const said of ["(W8)", "(W12)", "below 0 (−230 MiB)", "(W11)", "Jetson Orin Nano"])
    assert.ok(b.includes(said), said);
  assert.ok(!b.includes("(W9)"), "57,344 tokens are not in Figure 5b");
});

test("Figure 5b: the longest length tried is no failure, a part below 0 takes no room", () => {
  const figure = fromPaper("fig5b");
  assert.equal(panel(figure, "Mamba2-780m").title.subtitle[0], "to 32,768");
  assert.equal(panel(figure, "Qwen2.5-0.5B").title.subtitle[0], "to 16,384, not 24,576");
  for (const { from, to } of rowsWith(figure.spec, "part")) assert.ok(Number(to) >= Number(from));
  const falcon = panel(figure, "Falcon-H1-0.5B");
  const first = rowsWith(falcon, "gib").find(({ length }) => length === 256)!;
  assert.equal((Number(first.gib) * 2 ** 30).toFixed(0), "1085748019");
});

test("own rows: states are held twice, the parts add up, out of memory is a mark and not a bar of 0", () => {
  const figure = figure5a({ rows: campaignPoints() });
  for (const one of panels(figure))
    for (const { length, gib } of rowsWith(one, "gib")) {
      const top = Math.max(
        ...rowsWith(one, "part")
          .filter((s) => s.length === length)
          .map(({ to }) => Number(to)),
      );
      assert.ok(Math.abs(top - Number(gib)) < 1e-9);
    }
  assert.equal(panel(figure, "Qwen2.5-1.5B").title.subtitle[0], "to 16,384, not 57,344");
  assert.deepEqual(
    rowsWith(panel(figure, "Qwen2.5-1.5B"), "gib").map(({ length }) => length),
    [1024, 4096, 16384],
  );
  assert.ok(
    rowsWith(figure.spec, "text").some(({ text }) => text === "8.00 GiB"),
    "the budget",
  );
  for (const said of [
    "✕: Qwen2.5-1.5B ran out of memory at 57,344 tokens",
    "states are held twice",
    "No rows for Phi-3-mini-128k",
  ])
    assert.ok(figure.caption.includes(said), said);
});

test("both stand below each other; missing rows are said", () => {
  const { spec } = figure5b({ paper: paperPoints("5b"), rows: paperPoints("6a") });
  const [paper, rows] = spec.vconcat as unknown as [Figure["spec"], Figure["spec"]];
  assert.equal((paper.concat as unknown[]).length, 6);
  const words = rowsWith(rows, "lines")
    .flatMap(({ lines }) => lines as readonly string[])
    .join(" ");
  assert.match(words, /no row has total_bytes.*Llama-3.2-1B, Qwen2.5-0.5B/);
});
