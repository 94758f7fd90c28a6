import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { figure1, scalingFigure, type Figure } from "../../src/figures/index.js";
import { renderPng, renderSvg } from "../../src/notebook/render.js";
import { CROSSOVERS, CURVES, MEASURED_WITH_GAPS, PAPER_POINTS } from "../figures/points.js";
import { deepFreeze } from "../support/freeze.js";

const paper = figure1(PAPER_POINTS, { source: "paper" });
const scaling = scalingFigure(MEASURED_WITH_GAPS, CURVES, { crossovers: CROSSOVERS });
const digest = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A figure of one word. */
const word = (text: string, name = "word"): Figure => ({
  name,
  title: `"${text}" <&>`,
  caption: "",
  spec: { title: { text, fontSize: 40 }, mark: { type: "bar", clip: true }, data: { values: [{}] } },
});

/** Warnings that drawing printed: Vega and Vega-Lite report an ill-formed specification on the console only. */
async function warningsOf(context: TestContext, draw: () => Promise<unknown>): Promise<unknown[]> {
  const warn = context.mock.method(console, "warn", () => undefined);
  const error = context.mock.method(console, "error", () => undefined);
  await draw();
  const calls = [...warn.mock.calls, ...error.mock.calls].flatMap((call) => call.arguments as unknown[]);
  warn.mock.restore();
  error.mock.restore();
  return calls;
}

test("SVG and PNG are the same bytes in one process, whatever was drawn between", async () => {
  const [svg, png] = [await renderSvg(paper), await renderPng(paper)];
  await renderSvg(scaling);
  assert.equal(await renderSvg(paper), svg);
  assert.equal(digest(await renderPng(paper)), digest(png));
});

test("SVG and PNG are the same bytes in another process, time zone and language", async () => {
  const script = `
    import { createHash } from "node:crypto";
    import { figure1 } from "./src/figures/index.js";
    import { renderPng, renderSvg } from "./src/notebook/render.js";
    import { PAPER_POINTS } from "./test/figures/points.js";
    const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
    const paper = figure1(PAPER_POINTS, { source: "paper" });
    Promise.all([renderSvg(paper), renderPng(paper)]).then((drawn) => console.log(drawn.map(digest).join(" ")));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "-e", script],
    {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { ...process.env, TZ: "Asia/Tokyo", LANG: "de_DE.UTF-8", LC_ALL: "de_DE.UTF-8" },
      encoding: "utf8",
    },
  );
  assert.equal(stdout.trim(), `${digest(await renderSvg(paper))} ${digest(await renderPng(paper))}`, stderr);
});

test("drawing leaves the figure alone and warns of nothing", async (context) => {
  const frozen = deepFreeze(structuredClone({ paper, scaling }));
  assert.deepEqual(
    await warningsOf(context, () => Promise.all([renderSvg(frozen.paper), renderSvg(frozen.scaling)])),
    [],
  );
  const misspelt: Figure = {
    ...word("x"),
    spec: { ...word("x").spec, encoding: { colour: { value: "red" } } },
  };
  assert.notDeepEqual(await warningsOf(context, () => renderSvg(misspelt)), []);
});

test("PNG has the SVG's size times the scale", async () => {
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(await renderSvg(paper))!.map(Number);
  const png = Buffer.from(await renderPng(paper, { scale: 3 }));
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [3 * width!, 3 * height!]);
});

test("PNG shows text: words of one width and different letters differ", async () => {
  // i and l are equally wide in DejaVu Sans, so the layout is the same and only the glyphs differ.
  const [i, l] = [await renderPng(word("iii")), await renderPng(word("lll"))];
  assert.equal(Buffer.from(i).readUInt32BE(16), Buffer.from(l).readUInt32BE(16));
  assert.notEqual(digest(i), digest(l));
});

test("ids carry the figure's name, coordinates three decimals, text none", async () => {
  const svg = await renderSvg(word("0.123456", "one"));
  const ids = [...svg.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]);
  assert.deepEqual(ids, ["one-0"]);
  assert.ok(svg.includes('clip-path="url(#one-0)"'));
  assert.ok(svg.includes(">0.123456<"));
  for (const [tag] of (await renderSvg(scaling)).matchAll(/<[^>]+>/g)) assert.doesNotMatch(tag, /\d\.\d{4}/);
});

test("the title labels the picture, escaped", async () => {
  assert.match(await renderSvg(word("x")), /^<svg role="img" aria-label="&quot;x&quot; &lt;&amp;&gt;" /);
});

test("the font travels along only when asked", async () => {
  assert.ok(!(await renderSvg(paper)).includes("@font-face"));
  const svg = await renderSvg(paper, { embedFont: true });
  assert.equal(svg.match(/@font-face/g)?.length, 2);
  assert.ok(svg.length < 80_000, `${svg.length} characters`);
});
