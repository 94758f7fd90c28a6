import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { paperFiles } from "../../data/paper/convert.js";
import { modelsOf } from "../../data/paper/models.js";
import { loadPaper, loadSuperseded, PAPER_KINDS, type PaperKind } from "../../src/record/load.js";
import { COLUMNS, type Row } from "../../src/record/schema.js";
import { need } from "../support/need.js";
import { tableToRows } from "../../src/record/table.js";

const REFERENCE = "../shared/reference";
const needsReference = need("../shared/reference", existsSync(REFERENCE), "the paper's data is made from it");

const ROWS = Object.fromEntries(PAPER_KINDS.map((kind) => [kind, tableToRows(loadPaper(kind))]));
const rowsOf = (kind: PaperKind): Row[] => ROWS[kind]!;

/** The one row whose columns have these values. */
function only(rows: Row[], values: Row): Row {
  const names = Object.keys(values) as (keyof Row)[];
  const found = rows.filter((row) => names.every((name) => row[name] === values[name]));
  assert.equal(found.length, 1, `${found.length} rows are ${JSON.stringify(values)}`);
  return found[0]!;
}

test("the committed files are what the converter makes of the reference", needsReference, () => {
  const made = paperFiles(REFERENCE);
  assert.deepEqual(
    [...made.keys()],
    [...PAPER_KINDS, "superseded"].map((name) => `${name}.csv`),
  );
  for (const [name, text] of made)
    assert.ok(
      readFileSync(`data/paper/${name}`, "utf8") === text,
      `data/paper/${name} is out of date: run node --import tsx data/paper/convert.ts ${REFERENCE}`,
    );
});

test("superseded shares are kept apart from the profiles, one for each class of theirs", () => {
  const superseded = tableToRows(loadSuperseded());
  assert.equal(superseded.length, 333);
  assert.deepEqual(new Set(superseded.map(({ campaign }) => campaign)), new Set(["superseded"]));
  const profiles = new Set(
    rowsOf("operators").map((row) => [row.model, row.device, row.prompt_tokens, row.op_class].join()),
  );
  for (const row of superseded)
    assert.ok(profiles.has([row.model, row.device, row.prompt_tokens, row.op_class].join()), row.cell!);
});

test("models are the registry's, but for the one that README names", needsReference, () => {
  const registry = JSON.parse(readFileSync(`${REFERENCE}/models.json`, "utf8")) as { id: string }[];
  const ids = new Set(registry.map(({ id }) => id));
  const foreign = new Set(loadPaper().array("model") as string[]);
  for (const id of ids) foreign.delete(id);
  assert.deepEqual([...foreign], ["qwen2.5-0.5b-gptq-int4"]);
  assert.throws(() => modelsOf([], "[]")("org/new"), /lacks the checkpoint org\/new/);
});

test("every row says what it is, of which model, and where it was published", () => {
  const expected = { latency: 91, memory: 202, energy: 30, operators: 1134, accuracy: 15, limit: 15 };
  for (const kind of PAPER_KINDS) {
    const rows = rowsOf(kind);
    assert.equal(rows.length, expected[kind]);
    for (const row of rows) {
      assert.deepEqual([row.status, row.campaign], ["ok", "paper"]);
      for (const name of ["cell", "model", "hf_id", "family", "source"] as const)
        assert.equal(typeof row[name], "string", `${row.cell}: ${name}`);
    }
  }
});

test("cells are unique, but for the classes of one profile", () => {
  for (const kind of PAPER_KINDS.filter((kind) => kind !== "operators")) {
    const cells = rowsOf(kind).map((row) => row.cell);
    assert.equal(new Set(cells).size, cells.length, kind);
  }
  const profiles = rowsOf("operators").map((row) => row.cell);
  assert.equal(new Set(profiles).size, 63);
  assert.equal(profiles.length, 63 * 18);
});

test("no column holds what the schema does not know", () => {
  for (const name of loadPaper().columnNames()) assert.ok(name in COLUMNS, name);
});

// The next values are copied from the artifact's own files (sapmitra/SSM-Scope), not from our reference.
test("latency is generation_times.csv in ms, digit for digit", () => {
  const row = only(rowsOf("latency"), { model: "mamba2-780m", prompt_tokens: 32768, figure: "6b" });
  assert.equal(row.ttft_ms, 756.712383008562);
  assert.equal(row.e2e_ms, 4507.933235960081);
  assert.equal(row.tpot_ms, 14.653206456841872);
  assert.equal(row.decode_tokens_per_s, 68.24444895015317);
  assert.equal(row.new_tokens, 256);
});

test("operators are summary_gpt-neo-125m_cuda_1_1024.csv", () => {
  const of = (op_class: string): Row =>
    only(rowsOf("operators"), { model: "gpt-neo-125m", device: "rtx4090", breakdown: "fine", op_class });
  const close = (actual: number, expected: number): void => {
    assert.ok(Math.abs(actual - expected) < 1e-3, `${actual} is not ${expected}`);
  };
  close(of("gemm").op_cpu_us!, 13642.843999999886);
  close(of("gemm").op_device_us!, 29895.98100000001);
  close(of("memory").op_latency_us!, 36940.48300000002);
  assert.equal(of("normalization").op_calls, 250);
});

test("figures and panels name where a row is drawn", () => {
  const panelsOf = (kind: PaperKind, figure: string): string[] => {
    const rows = rowsOf(kind).filter((row) => row.figure?.split(" ").includes(figure));
    const panels = rows.flatMap((row) => row.panel ?? []).filter((panel) => panel.startsWith(`${figure}: `));
    return [...new Set(panels.map((panel) => panel.slice(figure.length + 2)))].sort();
  };
  assert.deepEqual(panelsOf("latency", "1"), [
    "TPOT, 1024 in",
    "TPOT, 32768 in",
    "TTFT, 1024 in",
    "TTFT, 32768 in",
  ]);
  assert.deepEqual(panelsOf("latency", "3"), ["TTFT line"]);
  assert.deepEqual(panelsOf("accuracy", "3"), ["accuracy bars"]);
  assert.deepEqual(panelsOf("operators", "7"), ["mamba-130m", "mamba2-130m"]);
  assert.deepEqual(panelsOf("operators", "8"), ["Hymba-1.5B-Instruct", "Zamba2-1.2B-Instruct-v2"]);
  assert.deepEqual(panelsOf("operators", "9a"), ["mamba-130m", "mamba2-130m"]);
  assert.deepEqual(panelsOf("operators", "9b"), ["Hybrid", "SSM", "Transformer"]);
  // Bars of Figure 5 by model, profiles of Figures 7 to 9 (figures.md).
  const count = (kind: PaperKind, figure: string): number =>
    new Set(rowsOf(kind).flatMap((row) => (row.figure?.split(" ").includes(figure) ? [row.cell] : []))).size;
  assert.equal(count("memory", "5a"), 3 + 10 + 11 + 19 + 19 + 17 + 9);
  assert.equal(count("memory", "5b"), 46);
  assert.equal(count("operators", "7"), 20);
  assert.equal(count("operators", "8"), 15);
  assert.equal(count("operators", "9a"), 16);
  assert.equal(count("operators", "9b"), 18);
});
