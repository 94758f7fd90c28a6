import assert from "node:assert/strict";
import { test } from "node:test";
import { table } from "arquero";
import { mimeBundle, show } from "../../src/notebook/display.js";

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

test("outside a kernel show prints text", async (t) => {
  const log = t.mock.method(console, "log", () => undefined);
  for (const value of [table({ a: [1] }), figure, "**bold**", 42]) await show(value);
  assert.deepEqual(
    log.mock.calls.map((call) => (call.arguments as unknown[])[0]),
    ["a\n1\n1 row", "bars: Two bars\nBar b is longer.", "**bold**", "42"],
  );
});
