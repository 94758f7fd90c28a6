import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import {
  figure1,
  figure6a,
  figure7,
  figure9b,
  operatorShareFigure,
  PAPER_FIGURES,
  residualFigure,
  rooflineFigure,
  scalingFigure,
  type Figure,
} from "../../src/figures/index.js";
import { renderSvg } from "../../src/notebook/render.js";
import { loadPaper } from "../../src/record/index.js";
import { CROSSOVERS, CURVES, MEASURED_WITH_GAPS, RESIDUALS } from "./points.js";
import { CLASS_PROFILES, CPU_PROFILE, OWN_PROFILES, USE_BY_CLASS } from "./operator-rows.js";
import {
  campaignPoints,
  fromPaper,
  BOTH,
  HERE,
  own,
  PAPER,
  paperPoints,
  type FigureName,
} from "./sources.js";

/** Those of our own that have rows of the paper; operator-share stands below. */
const OWN_OF_PAPER = [
  "scaling",
  "crossover-matrix",
  "memory-parts",
  "energy",
  "roofline",
  "claims",
  "residuals",
  "latency-distribution",
] as const;

/** Pictures under review: a change of any is a change of what readers see, so it is looked at before it is kept. */
const PICTURES: Readonly<Record<string, Figure>> = {
  ...Object.fromEntries(
    (Object.keys(PAPER_FIGURES) as FigureName[]).map((name) => [`${name}-paper`, fromPaper(name)]),
  ),
  "fig1-measured-gaps-narrow": figure1(MEASURED_WITH_GAPS, {
    source: "measured",
    lengths: [128, 4096],
    layout: "narrow",
  }),
  "fig6a-both": figure6a({ paper: paperPoints("6a"), rows: campaignPoints() }),
  ...Object.fromEntries(
    (Object.keys(PAPER_FIGURES) as FigureName[]).map((name) => [
      `${name}-paper-faithful`,
      fromPaper(name, { form: "faithful" }),
    ]),
  ),
  "fig7-both": figure7({ paper: paperPoints("7"), rows: OWN_PROFILES }),
  "fig8-paper-narrow": fromPaper("fig8", { layout: "narrow" }),
  "fig9b-both": figure9b({ paper: paperPoints("9b"), rows: CPU_PROFILE }),
  "fig7-measured-classes": figure7({ rows: CLASS_PROFILES }),
  "fig9b-both-classes": figure9b({ paper: paperPoints("9b"), rows: CLASS_PROFILES }),
  "operator-share-measured-classes": operatorShareFigure({ rows: CLASS_PROFILES }),
  "operator-share-paper": operatorShareFigure({ paper: loadPaper("operators") }),
  ...Object.fromEntries(OWN_OF_PAPER.map((name) => [`${name}-paper`, own(name, PAPER)])),
  "claims-measured-narrow": own("claims", HERE, "narrow"),
  "crossover-matrix-both": own("crossover-matrix", BOTH),
  "energy-measured": own("energy", HERE),
  "latency-distribution-measured": own("latency-distribution", HERE),
  "memory-parts-measured": own("memory-parts", HERE),
  "roofline-classes": rooflineFigure(USE_BY_CLASS),
  "roofline-measured": own("roofline", HERE),
  residuals: residualFigure(RESIDUALS),
  "scaling-ttft-gaps": scalingFigure(MEASURED_WITH_GAPS, CURVES, { crossovers: CROSSOVERS }),
};

/** One element a line, so that a difference can be read. */
const inLines = (svg: string): string => svg.replaceAll("><", ">\n<") + "\n";

/** One layer or panel a line or so: short enough to keep, long enough to read a difference. */
const specText = ({ spec }: Figure): string => JSON.stringify(spec).replaceAll('},{"', '},\n{"') + "\n";

function stored(file: URL): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** Fails where the file differs, with the new text beside it. */
function compare(name: string, extension: "svg" | "json", text: string): void {
  const file = new URL(`__pictures__/${name}.${extension}`, import.meta.url);
  if (stored(file) === text) return;
  const changed = new URL(`__pictures__/${name}.new.${extension}`, import.meta.url);
  writeFileSync(changed, text);
  assert.fail(
    `${name} differs: look at ${changed.pathname}, and rename it to ${name}.${extension} to keep it`,
  );
}

for (const [name, figure] of Object.entries(PICTURES)) {
  test(`${name} has the specification in test/figures/__pictures__`, () => {
    compare(name, "json", specText(figure));
  });
  // renderSvg trims digits beyond the third, where processors disagree.
  test(`${name} is drawn as in test/figures/__pictures__`, async () => {
    compare(name, "svg", inLines(await renderSvg(figure)));
  });
}
