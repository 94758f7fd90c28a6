/**
 * Writes the results of README.md, and their figure, from the rows in data/h200 and data/cpu:
 *
 *     npm run results
 */
import { readFileSync, writeFileSync } from "node:fs";
import { drawOwn } from "../../src/cli/own-figures.js";
import { renderSvg } from "../../src/notebook/render.js";
import { rowsToTable, tableToRows } from "../../src/record/index.js";
import { campaign } from "./campaigns.js";
import { withResults } from "./section.js";

/** Those of the paper's Figures 1 and 6. */
const DRAWN = ["qwen2.5-0.5b", "mamba2-780m", "falcon-h1-0.5b"];

const drawn = tableToRows(campaign("h200", "latency")!).filter(({ model }) => DRAWN.includes(model!));
const figure = drawOwn("scaling", { tables: { rows: rowsToTable(drawn) }, metric: "ttft_ms" });
writeFileSync("data/h200/ttft.svg", await renderSvg(figure));
writeFileSync("README.md", withResults(readFileSync("README.md", "utf8")));
