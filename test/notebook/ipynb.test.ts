import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import {
  type Cell,
  formatNotebook,
  outputCollector,
  parseNotebook,
  type Notebook,
} from "../../src/cli/notebook/ipynb.js";

const codeCell = (source = ""): Cell => ({ id: "c", cell_type: "code", source, metadata: {} });

const notebook = (cells: Cell[]): Notebook => ({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });

test("a notebook older than 4.5 gets cell identifiers; lines and strings read the same", () => {
  const text = JSON.stringify({
    cells: [
      { cell_type: "markdown", metadata: {}, source: ["# a\n", "b"] },
      { cell_type: "code", metadata: {}, source: "1", outputs: [], execution_count: null },
    ],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 2,
  });
  const { cells, nbformat_minor } = parseNotebook(text, "old.ipynb");
  assert.equal(nbformat_minor, 5);
  assert.deepEqual(
    cells.map(({ id, source }) => [id, source]),
    [
      ["cell-1", "# a\nb"],
      ["cell-2", "1"],
    ],
  );
});

test("what is no TypeScript notebook is refused in one sentence that names the file", () => {
  const refuses = (text: string, message: RegExp) => {
    assert.throws(
      () => parseNotebook(text, "x.ipynb"),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  };
  refuses("{", /^x\.ipynb is not JSON/);
  refuses("[]", /^x\.ipynb is not a notebook/);
  refuses('{"cells": [], "nbformat": 3}', /^x\.ipynb has nbformat 3; 4 is read/);
  refuses(
    '{"cells": [], "nbformat": 4, "metadata": {"kernelspec": {"language": "python"}}}',
    /^x\.ipynb is a notebook in python; TypeScript is run/,
  );
});

test("text is written as lines, JSON as JSON, keys in order", () => {
  const cell = codeCell("a\nb\n");
  cell.outputs = [
    {
      output_type: "display_data",
      metadata: {},
      data: { "text/plain": "x\r\ny", "application/vnd.vegalite.v6+json": { b: 1, a: [2] } },
    },
  ];
  const written = JSON.parse(formatNotebook(notebook([cell]))) as { cells: Record<string, unknown>[] };
  assert.deepEqual(written.cells[0]!.source, ["a\n", "b\n"]);
  assert.deepEqual(written.cells[0]!.outputs, [
    {
      data: { "application/vnd.vegalite.v6+json": { a: [2], b: 1 }, "text/plain": ["x\r\n", "y"] },
      metadata: {},
      output_type: "display_data",
    },
  ]);
  assert.deepEqual(Object.keys(written), ["cells", "metadata", "nbformat", "nbformat_minor"]);
});

test("writes to one stream in a row are one output", () => {
  const collect = outputCollector();
  const cell = codeCell();
  for (const [name, text] of [
    ["stdout", "a"],
    ["stdout", "b\n"],
    ["stderr", "c"],
    ["stdout", "d"],
  ])
    collect(cell, { type: "stream", content: { name, text } });
  assert.deepEqual(
    cell.outputs!.map(({ name, text }) => [name, text]),
    [
      ["stdout", "ab\n"],
      ["stderr", "c"],
      ["stdout", "d"],
    ],
  );
});

test("an update changes every display of that identifier, in whichever cell", () => {
  const collect = outputCollector();
  const [first, second] = [codeCell(), codeCell()];
  const display = (text: string, id?: string) => ({
    data: { "text/plain": text },
    metadata: {},
    transient: id ? { display_id: id } : {},
  });
  collect(first, { type: "display_data", content: display("old", "bar") });
  collect(first, { type: "display_data", content: display("other") });
  collect(second, { type: "update_display_data", content: display("new", "bar") });
  assert.deepEqual(
    first.outputs!.map(({ data }) => data),
    [{ "text/plain": "new" }, { "text/plain": "other" }],
  );
  assert.deepEqual(second.outputs, []);
  assert.ok(first.outputs!.every((output) => !("transient" in output)));
});
