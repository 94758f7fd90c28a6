import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { figure1, scalingFigure, type Figure } from "../../src/figures/index.js";
import { renderSvg } from "../../src/notebook/render.js";
import { CROSSOVERS, CURVES, MEASURED_WITH_GAPS, PAPER_POINTS } from "./points.js";

/** Pictures under review: a change of any is a change of what readers see, so it is looked at before it is kept. */
const PICTURES: Readonly<Record<string, Figure>> = {
  "fig1-paper": figure1(PAPER_POINTS, { source: "paper" }),
  "fig1-measured-gaps-narrow": figure1(MEASURED_WITH_GAPS, {
    source: "measured",
    lengths: [128, 4096],
    layout: "narrow",
  }),
  "scaling-ttft-gaps": scalingFigure(MEASURED_WITH_GAPS, CURVES, { crossovers: CROSSOVERS }),
};

/** One element a line, so that a difference can be read. */
const inLines = (svg: string): string => svg.replaceAll("><", ">\n<") + "\n";

function stored(file: URL): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

for (const [name, figure] of Object.entries(PICTURES))
  test(`${name} is drawn as in test/figures/__pictures__`, async () => {
    const file = new URL(`__pictures__/${name}.svg`, import.meta.url);
    const svg = inLines(await renderSvg(figure));
    if (stored(file) === svg) return;
    const changed = new URL(`__pictures__/${name}.new.svg`, import.meta.url);
    writeFileSync(changed, svg);
    assert.fail(
      `${name} is drawn differently: look at ${changed.pathname}, and rename it to ${name}.svg to keep it`,
    );
  });
