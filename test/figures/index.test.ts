import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import Ajv from "ajv";
import {
  figure1,
  operatorShareFigure,
  FIGURES,
  OWN_FIGURES,
  PAPER_FIGURES,
  scalingFigure,
  type Figure,
} from "../../src/figures/index.js";
import { loadPaper, rowsToTable } from "../../src/record/index.js";
import { OWN_PROFILES } from "./operator-rows.js";
import type { OwnName } from "../../src/cli/own-figures.js";
import {
  BOTH,
  campaignPoints,
  fromPaper,
  HERE,
  own,
  PAPER,
  paperPoints,
  type FigureName,
} from "./sources.js";
import { CROSSOVERS, CURVES, MEASURED_POINTS, MEASURED_WITH_GAPS, PAPER_POINTS } from "./points.js";

test("each figure has its file", () => {
  for (const { file } of Object.values(FIGURES))
    assert.ok(existsSync(new URL(`../../src/figures/${file}`, import.meta.url)), file);
});

const NAMES = Object.keys(PAPER_FIGURES) as FigureName[];

const OWN_NAMES = Object.keys(OWN_FIGURES) as OwnName[];

const drawn: Figure[] = (["wide", "narrow"] as const).flatMap((layout) => [
  figure1(PAPER_POINTS, { source: "paper", layout }),
  figure1(MEASURED_POINTS, { source: "measured", layout }),
  figure1(MEASURED_WITH_GAPS, { source: "measured", lengths: [128, 4096], layout }),
  figure1([], { source: "measured", layout }),
  scalingFigure(MEASURED_POINTS, CURVES, { crossovers: CROSSOVERS, layout }),
  scalingFigure(MEASURED_WITH_GAPS, [], { metric: "tpot_ms", layout }),
  operatorShareFigure({ paper: loadPaper("operators"), rows: OWN_PROFILES }, { layout }),
  operatorShareFigure({ rows: [] }, { layout }),
  ...OWN_NAMES.map((name) => own(name, HERE, layout)),
  ...NAMES.flatMap((name) => [
    fromPaper(name, { layout }),
    fromPaper(name, { layout, form: "faithful" }),
    PAPER_FIGURES[name].draw({ rows: campaignPoints() }, { layout }),
    PAPER_FIGURES[name].draw(
      { paper: paperPoints(PAPER_FIGURES[name].number), rows: campaignPoints() },
      { layout },
    ),
    PAPER_FIGURES[name].draw({ rows: [] }, { layout }),
  ]),
]);

const both: Figure[] = OWN_NAMES.map((name) => own(name, BOTH));

test("every specification obeys Vega-Lite's own schema", () => {
  const file = createRequire(import.meta.url).resolve("vega-lite/vega-lite-schema.json");
  const ajv = new Ajv({ unknownFormats: "ignore", logger: false });
  const validate = ajv.compile(JSON.parse(readFileSync(file, "utf8")) as object);
  for (const { name, spec } of [...drawn, ...both])
    assert.ok(
      validate(JSON.parse(JSON.stringify(spec))),
      `${name}: ${ajv.errorsText(validate.errors?.slice(0, 5))}`,
    );
  assert.ok(
    !validate({ ...drawn[0]!.spec, concat: [{ mark: "bar", widht: 3 }] }),
    "a misspelt property is refused",
  );
});

test("a specification is JSON: it survives being stored", () => {
  for (const { spec } of drawn) assert.deepEqual(JSON.parse(JSON.stringify(spec)), spec);
});

test("every figure of the paper is drawn from the paper, from rows and from both, each under its name", () => {
  for (const name of NAMES) {
    const { draw, number } = PAPER_FIGURES[name];
    assert.equal(name, `fig${number}`);
    const [paper, rows] = [paperPoints(number), campaignPoints()];
    const names = [{ paper }, { rows }, { paper, rows }].map((sources) => draw(sources).name);
    assert.deepEqual(names, [`${name}-paper`, `${name}-measured`, `${name}-both`]);
  }
});

test("every figure of the paper says its device, and what is missing when there are no rows", () => {
  for (const name of NAMES) {
    assert.match(fromPaper(name).caption, /RTX 4090|Jetson/, name);
    const none = PAPER_FIGURES[name].draw({ rows: [] });
    assert.match(none.caption, /There is nothing to draw|There are no rows to draw|[Nn]o row/, name);
    assert.match(JSON.stringify(none.spec), /[Nn]o rows? /, `${name} says it in the picture`);
  }
});

test("own figures are drawn from either source and from both, and say in the picture what no row has", () => {
  const nothing = { rows: rowsToTable([{ kind: "latency", model: "m", prompt_tokens: 8, status: "oom" }]) };
  for (const name of OWN_NAMES) {
    assert.equal(own(name, PAPER).name, `${name}-paper`);
    assert.equal(own(name, HERE).name, `${name}-measured`);
    assert.equal(own(name, BOTH).name, `${name}-both`);
    // Claims are judged by any rows: none tells.
    if (name === "claims") continue;
    const none = own(name, nothing);
    assert.match(none.caption, /There is nothing to draw: .*no row|There are no rows to draw/, name);
    assert.match(JSON.stringify(none.spec), /[Nn]o rows?\b/, `${name} says it in the picture`);
  }
});

test("captions of own figures say the device and what it ran", () => {
  for (const name of OWN_NAMES) {
    if (name === "claims" || name === "operator-share") continue;
    assert.match(own(name, HERE).caption, /Setting: Made-up GPU, cuda, fp16, batch 1/, name);
  }
});
