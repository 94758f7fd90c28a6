import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { reportHtml } from "../../src/cli/report/page.js";
import { cellText, tableHtml } from "../../src/cli/report/html.js";
import { UserError } from "../../src/errors.js";
import { madeReport } from "./report.js";

const report = await madeReport();
const html = reportHtml(report);

test("the same report is the same file", async () => {
  assert.equal(reportHtml(await madeReport()), html);
});

test("all it was given is there, in reading order", () => {
  const places = [
    report.title,
    report.crossovers[0]!,
    "Figure 1, the paper&#39;s data: TTFT and TPOT, RTX 4090",
    "Figure 1, measured here: TTFT and TPOT, AMD EPYC 9B14",
    "TTFT against prompt length on AMD EPYC 9B14</strong>",
    report.measurements.caption,
    report.fits.caption,
    "logical CPUs",
    "segment tokens",
    "Random weights",
  ].map((text) => html.lastIndexOf(text));
  assert.ok(!places.includes(-1), String(places));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});

test("text is text, whatever it looks like", () => {
  assert.ok(
    html.includes("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quotes&quot; are text."),
  );
  assert.ok(html.includes("node-1 &lt;test&gt;"));
  assert.equal(html.match(/<script/g)?.length, 1);
});

test("the one script is the one that the page's policy names", () => {
  const [, script] = /<script>([^]*)<\/script>/.exec(html)!;
  const hash = createHash("sha256").update(script!).digest("base64");
  assert.ok(
    html.includes(
      `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; font-src data:`,
    ),
  );
});

test("points carry their values for the pointer, and nothing else of Vega's labels is left", () => {
  assert.match(html, /data-tip="Qwen2.5-0.5B; prompt length \(tokens\): 128; TTFT \(ms\): 301.222"/);
  assert.doesNotMatch(html, /aria-roledescription|data-tip="[^"]*(undefined|color|piece)/);
});

test("a report of four models stays under 3 MB", () => {
  assert.ok(html.length < 1e6, `${html.length} bytes`);
});

test("nothing refers outside the file", () => {
  // Names of XML vocabularies are no addresses that a browser fetches.
  const addresses =
    html.replace(/ xmlns(:xlink)?="[^"]*"|base64,[\w+/=]+/g, "").match(/(https?:)?\/\/[\w.]+/g) ?? [];
  assert.deepEqual(addresses, []);
  for (const [, url] of html.matchAll(/url\(([^)]*)\)/g)) assert.match(url!, /^(data:font\/woff|#)/);
});

test("ids are unique in the page", () => {
  const ids = [...html.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length);
});

test("tables name their rows and columns, and say when they are empty", () => {
  const table = {
    name: "t",
    caption: "a < b",
    columns: [{ label: "model" }, { label: "ms", numeric: true }],
  };
  const filled = tableHtml({ ...table, rows: [["m", 1.23456]] });
  assert.ok(filled.includes("<caption>a &lt; b</caption>"));
  assert.ok(filled.includes('<th scope="col" class="number">ms</th>'));
  assert.ok(filled.includes('<th scope="row">m</th><td class="number" data-value="1.23456">1.235</td>'));
  assert.ok(tableHtml({ ...table, rows: [] }).includes('<td colspan="2">no rows</td>'));
});

test("whole numbers are printed in full, a missing one is no zero", () => {
  assert.deepEqual([32768, 123456.7, 0.012345, null, true, Number.NaN, ""].map(cellText), [
    "32,768",
    "123,457",
    "0.01235",
    "–",
    "true",
    "NaN",
    "",
  ]);
});

test("a picture that is no SVG, and a name used twice, are refused", () => {
  const [figure] = report.figures;
  assert.throws(
    () => reportHtml({ ...report, figures: [{ ...figure!, drawings: [{ svg: "<p>no</p>" }] }] }),
    (error) => error instanceof UserError && /fig1-paper starts with "<p>no<\/p>"/.test(error.message),
  );
  assert.throws(
    () => reportHtml({ ...report, figures: [figure!, figure!] }),
    /two figures .* named fig1-paper/,
  );
});

test("no crossover and no figure are said, not left blank", () => {
  const bare = reportHtml({ ...report, crossovers: [], figures: [], notes: [] });
  assert.ok(bare.includes("No crossover was computed."));
  assert.ok(bare.includes("No figures."));
});
