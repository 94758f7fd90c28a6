import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "arquero";
import { mimeBundle, show } from "../../src/notebook/display.js";
import { toDanfo } from "../../src/record/index.js";

const figure = {
  name: "bars",
  title: "Two bars",
  caption: "Bar b is longer.",
  spec: {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    data: {
      values: [
        { x: "a", y: 1 },
        { x: "b", y: 2 },
      ],
    },
    mark: "bar",
    encoding: { x: { field: "x", type: "nominal" }, y: { field: "y", type: "quantitative" } },
  },
};

test("a figure is an SVG, its specification and its words", async () => {
  const bundle = await mimeBundle(figure);
  assert.match(String(bundle["image/svg+xml"]), /^\s*<svg[\s>]/);
  assert.deepEqual(bundle["application/vnd.vegalite.v6+json"], figure.spec);
  assert.equal(bundle["text/plain"], "bars: Two bars\nBar b is longer.");
});

test("a table and a list of records are HTML and text; other values are text", async () => {
  assert.deepEqual(Object.keys(await mimeBundle(table({ a: [1] }))), ["text/html", "text/plain"]);
  assert.deepEqual(await mimeBundle([{ a: 1 }]), await mimeBundle(table({ a: [1] })));
  assert.deepEqual(await mimeBundle("as it is"), { "text/plain": "as it is" });
  assert.deepEqual(await mimeBundle({ a: [1] }), { "text/plain": "{ a: [ 1 ] }" });
});

test("a danfo.js data frame is the same table as arquero's, a missing number empty", async () => {
  const made = table({ model: ["a", "b"], ttft_ms: [1.5, null] });
  assert.deepEqual(await mimeBundle(await toDanfo(made)), await mimeBundle(made));
});

test("a bare Vega-Lite specification is drawn, under the MIME type of its own version", async () => {
  const bundle = await mimeBundle({
    ...figure.spec,
    title: { text: ["Two", "bars"] },
    description: "Words.",
  });
  assert.match(String(bundle["image/svg+xml"]), /^<svg role="img" aria-label="Two bars"/);
  assert.match(String(bundle["text/plain"]), /^spec-[0-9a-f]{8}: Two bars\nWords\.$/);
  const older = { ...figure.spec, $schema: "https://vega.github.io/schema/vega-lite/v5.20.json" };
  assert.deepEqual(Object.keys(await mimeBundle(older)), [
    "image/svg+xml",
    "application/vnd.vegalite.v5+json",
    "text/plain",
  ]);
  const { $schema, ...unnamed } = figure.spec;
  assert.ok($schema && !("image/svg+xml" in (await mimeBundle(unnamed))), "it may be anything");
});

test("outside a kernel show prints text", async (t) => {
  const log = t.mock.method(console, "log", () => undefined);
  for (const value of [table({ a: [1] }), figure, "**bold**", 42]) await show(value);
  assert.deepEqual(
    log.mock.calls.map((call) => (call.arguments as unknown[])[0]),
    ["a\n1\n1 row", "bars: Two bars\nBar b is longer.", "**bold**", "42"],
  );
});
