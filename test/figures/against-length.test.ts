import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { figure1, figure6a, figure6b, scalingFigure, type Figure } from "../../src/figures/index.js";
import { figurePoints, interpolatedMarks } from "../../src/analyze/index.js";
import { rowsToTable, type Row } from "../../src/record/index.js";
import { CAMPAIGN, campaignPoints, fromPaper, paperPoints } from "./sources.js";
import { rowsWith } from "./spec.js";

const dots = (figure: Figure) =>
  rowsWith(figure.spec, "doubtful").map(({ label, length, value }) => ({
    label,
    length: Number(length),
    value: Number(value),
  }));
const at = (figure: Figure, label: string, length: number): number =>
  dots(figure).find((dot) => dot.label === label && dot.length === length)!.value;

test("Figure 6a: the page's 1492, 370 and 613 J at 57K, at true lengths", () => {
  const figure = fromPaper("fig6a");
  assert.equal(dots(figure).length, 30);
  const joules = ["Qwen2.5-0.5B", "Mamba2-780m", "Falcon-H1-0.5B"].map((name) => at(figure, name, 57344));
  assert.deepEqual(joules.map(Math.floor), [1492, 370, 613]);
  assert.deepEqual(
    rowsWith(figure.spec, "lines").map(({ lines }) => lines),
    [
      // Derived in the audit: Mamba2 between 16384 and 24576, Falcon-H1 between 24576 and 32768.
      ["Mamba2-780m ahead from 20,861 tokens (16,384 to 24,576)"],
      ["Falcon-H1-0.5B ahead from 25,938 tokens (24,576 to 32,768)"],
    ],
  );
  for (const said of ["RTX 4090", "in joules", "leaps 3.07×", "450 W", "without its spread"])
    assert.ok(figure.caption.includes(said), said);
});

test("Figure 6b: the page's 2.64x and 1.54x at 32K, and the step they stand behind", () => {
  const figure = fromPaper("fig6b");
  const qwen = at(figure, "Qwen2.5-0.5B", 32768);
  assert.equal((at(figure, "Mamba2-780m", 32768) / qwen).toFixed(3), "2.646");
  assert.equal((at(figure, "Falcon-H1-0.5B", 32768) / qwen).toFixed(3), "1.539");
  for (const said of ["256 new tokens", "leaps 3.19× and its TPOT 3.37×", "757 ms"])
    assert.ok(figure.caption.includes(said), said);
});

test("own rows: medians with intervals, out of memory as a mark, what differs", () => {
  const figure = figure6a({ rows: campaignPoints() });
  assert.equal(figure.name, "fig6a-measured");
  assert.equal(at(figure, "Mamba2-1.3B", 1024), 0.4 * (60 + 0.021 * 1024));
  assert.equal(rowsWith(figure.spec, "text").filter(({ text }) => text === "✕").length, 1);
  for (const dot of rowsWith(figure.spec, "doubtful"))
    assert.ok(Number(dot.lo) < Number(dot.value) && Number(dot.value) < Number(dot.hi));
  for (const said of [
    "5 samples a point",
    "95% intervals",
    "✕: Qwen2.5-1.5B ran out of memory at 57,344 tokens",
    "another device (there RTX 4090)",
    "logits of the last position only",
    "No rows for Qwen2.5-0.5B, Mamba2-780m and Falcon-H1-0.5B, which the paper's figure shows",
  ])
    assert.ok(figure.caption.includes(said), said);
});

test("own rows of every phase: the energy of prefills is drawn, and where it crosses", () => {
  const rows = rowsToTable(
    CAMPAIGN.flatMap((row): Row[] => {
      const { energy_j, ...latency } = row;
      const energies = ["prefill", "decode", "both"].map((phase, i): Row => ({
        ...row,
        ...{ kind: "energy", phase, method: "energy_counter_window", energy_j: (energy_j ?? 0) + 1000 * i },
        ...{ ttft_ms: null, tpot_ms: null, e2e_ms: null, overall_tokens_per_s: null, total_bytes: null },
      }));
      return row.status === "ok" ? [latency, ...energies] : [latency];
    }),
  );
  const points = figurePoints(rows);
  for (const figure of [
    figure1(points, { source: "measured" }),
    scalingFigure(points, [], { metric: "ttft_ms" }),
  ])
    assert.ok(rowsWith(figure.spec, "value").length > 0, "points of energy stand in no one's way");
  const crossovers = { rows: interpolatedMarks(rows, "energy_j") };
  const figure = figure6a({ rows: points }, { crossovers });
  assert.equal(at(figure, "Mamba2-1.3B", 1024), 0.4 * (60 + 0.021 * 1024));
  // Dots and whiskers share their points.
  assert.equal(new Set(dots(figure).map((dot) => JSON.stringify(dot))).size, 7, "a dot a model and length");
  assert.equal(crossovers.rows.length, 1);
});

test("both: two panels on the same axes", () => {
  const { spec, name } = figure6b({ paper: paperPoints("6b"), rows: campaignPoints() });
  assert.equal(name, "fig6b-both");
  const panels = spec.hconcat as unknown as {
    layer: { layer?: { encoding: { x: { scale: object } } }[] }[];
  }[];
  const scales = panels.map(({ layer }) => layer[1]!.layer!.at(-1)!.encoding.x.scale);
  assert.equal(scales.length, 2);
  assert.deepEqual(scales[0], scales[1]);
  const narrow = figure6b({ paper: paperPoints("6b"), rows: campaignPoints() }, { layout: "narrow" });
  assert.ok(narrow.spec.vconcat, "a phone has them below each other");
});

test("missing rows are said in the figure instead of an empty chart", () => {
  for (const rows of [[], paperPoints("5a")]) {
    const { spec, caption } = figure6a({ rows });
    const words = rowsWith(spec, "lines").flatMap(({ lines }) => lines as readonly string[]);
    assert.match(words.join(" "), /no row has energy_j.*Qwen2.5-0.5B, Mamba2-780m and Falcon-H1-0.5B/);
    assert.match(caption, /There is nothing to draw: no row has energy_j/);
  }
});

test("neither source is refused", () => {
  assert.throws(
    () => figure6a({}),
    new UserError("nothing to draw from was given: give the paper's points, rows of your own, or both"),
  );
});
