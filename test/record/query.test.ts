import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { table } from "arquero";
import { formatJsonLines } from "../../src/record/jsonl.js";
import { loadRows, saveRows } from "../../src/record/load.js";
import { query } from "../../src/record/query.js";
import { COLUMN_NAMES, COLUMNS, type Row } from "../../src/record/schema.js";
import { rowsToTable } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS, temporaryFolder } from "./sample-rows.js";

const noWarning = (message: string): void => {
  assert.fail(message);
};

/** A campaign folder with these rows. */
function campaign(folder: string, name: string, rows: readonly Row[]): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "rows.jsonl"), formatJsonLines(rows));
  return path;
}

const refused = (sql: string, from: Parameters<typeof query>[1], message: RegExp): Promise<void> =>
  assert.rejects(query(sql, from, { onWarning: noWarning }), { name: "UserError", message });

test("select * gives what loading gives, from JSON lines and from a table, and says where a row came from", async (t) => {
  const folder = campaign(temporaryFolder(t), "a", SAMPLE_ROWS);
  const loaded = loadRows(folder);
  tableEqual((await query("select * exclude (file) from rows", folder)).select(loaded.columnNames()), loaded);
  const named = await query("select * from rows", folder);
  assert.deepEqual(named.columnNames(), [...loaded.columnNames(), "file"]);
  assert.equal(named.get("file", 0), join(folder, "rows.jsonl"));
  tableEqual((await query("select * from rows", loaded)).select(loaded.columnNames()), loaded);
  tableEqual((await query("select * from rows", SAMPLE_ROWS)).select(loaded.columnNames()), loaded);
});

test("an answer can be asked again, from memory and from a file, and still says where its rows came from", async (t) => {
  const folder = campaign(temporaryFolder(t), "a", SAMPLE_ROWS);
  const answer = await query("select model, file from rows", folder);
  const again = await query("select model, file from rows", answer);
  assert.deepEqual(again.objects(), answer.objects());
  const saved = join(folder, "answer.jsonl");
  saveRows(answer, saved);
  assert.equal((await query("select any_value(file) as file from rows", saved)).get("file", 0), saved);
});

test("every file format is read, also together, and columns are joined by name", async (t) => {
  const folder = temporaryFolder(t);
  const paths = ["jsonl", "csv", "arrow"].map((extension) => join(folder, `rows.${extension}`));
  for (const path of paths) saveRows(rowsToTable(SAMPLE_ROWS), path);
  const counted = await query(
    "select file, count(*) as n, sum(threads) as threads from rows group by file",
    paths,
  );
  assert.deepEqual(
    (counted.objects() as { file: string; n: number; threads: number }[]).sort((a, b) =>
      a.file < b.file ? -1 : 1,
    ),
    [...paths].sort().map((file) => ({ file, n: 4, threads: 2 + 2 ** 53 })),
  );
});

test("the campaigns below a folder are one view, and each is a view by its name unless two are called so", async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, count] of [
    ["one/a", 1],
    ["one/b", 2],
    ["two/b", 3],
    ["two/shard 1's", 4],
  ] as const)
    campaign(
      folder,
      name,
      Array.from({ length: count }, (_, repeat) => ({ model: name, repeat })),
    );
  const count = async (view: string): Promise<unknown> =>
    (await query(`select count(*) as n from ${view}`, folder)).get("n", 0);
  assert.equal(await count("rows"), 10);
  assert.equal(await count("a"), 1);
  assert.equal(await count(`"shard 1's"`), 4);
  await refused("select count(*) from b", folder, /Table with name b does not exist/);
});

test("the view `counted` leaves out what loading marks as superseded", async (t) => {
  const sample = { campaign: "a", cell: "c", kind: "latency", status: "ok" };
  const folder = campaign(temporaryFolder(t), "a", [
    { ...sample, repeat: 0 },
    { ...sample, repeat: 1, attempt: 0 },
    { ...sample, repeat: 1, attempt: 1 },
    { ...sample, repeat: 1, attempt: 2, status: "failed" },
    { ...sample, status: "oom" },
  ]);
  const loaded = loadRows(folder).objects() as Row[];
  const wanted = loaded.filter(({ superseded }) => superseded !== true);
  assert.equal(wanted.length, 4);
  const of = ({ repeat, attempt, status }: Row): unknown[] => [repeat ?? null, attempt ?? 0, status];
  const counted = (await query("select * from counted", folder)).objects() as Row[];
  assert.deepEqual(counted.map(of).sort(), wanted.map(of).sort());
});

test("every column of the schema is there with its type, filled or not; another's column is too", async (t) => {
  const folder = campaign(temporaryFolder(t), "a", [{ model: "a", ...{ mood: "calm" } }]);
  const described = await query("select column_name, column_type from (describe rows)", folder);
  const types = Object.fromEntries(
    (described.objects() as { column_name: string; column_type: string }[]).map((row) => [
      row.column_name,
      row.column_type,
    ]),
  );
  const SQL = {
    string: "VARCHAR",
    number: "DOUBLE",
    boolean: "BOOLEAN",
    "number[]": "DOUBLE[]",
    "string[]": "VARCHAR[]",
  };
  for (const name of COLUMN_NAMES) assert.equal(types[name], SQL[COLUMNS[name].type], name);
  assert.deepEqual((await query("select mood, energy_j from rows", folder)).objects(), [
    { mood: "calm", energy_j: null },
  ]);
});

test("results are plain: numbers for counts and decimals, arrays for lists, null for what is missing", async () => {
  const answer = await query(
    "select count(*) as n, 1.5::decimal(4,2) as d, list(x order by x) as xs, max(label) as label, sum(x)::hugeint as h from rows",
    table({ x: [3, 1, 2], label: [null, null, null] }),
  );
  assert.deepEqual(answer.objects(), [{ n: 3, d: 1.5, xs: [1, 2, 3], label: null, h: 6 }]);
});

test("typed arrays, NaN, lists and filters of a table arrive as they are seen", async () => {
  const made = table({
    x: Float64Array.of(1, NaN, 3, 4),
    xs: [[1, 2], [], null, [3]],
    s: ["a", "b", "c", null],
  });
  const seen = made.filter((row: { x: number }) => row.x !== 4);
  assert.deepEqual((await query("select x, xs, s from rows", seen)).objects(), [
    { x: 1, xs: [1, 2], s: "a" },
    { x: null, xs: [], s: "b" },
    { x: 3, xs: null, s: "c" },
  ]);
});

test("more rows than one chunk holds survive the way in and out", async () => {
  const made = table({ i: Float64Array.from({ length: 5000 }, (_, i) => i) });
  assert.deepEqual(
    (await query("select i from rows", made)).array("i"),
    Array.from({ length: 5000 }, (_, i) => i),
  );
});

test("a cut last line is reported and left out; the file stays as it is", async (t) => {
  const folder = campaign(temporaryFolder(t), "a", SAMPLE_ROWS);
  const file = join(folder, "rows.jsonl");
  writeFileSync(file, readFileSync(file).subarray(0, -10));
  const bytes = readFileSync(file);
  const warnings: string[] = [];
  const read = await query("select count(*) as n from rows", folder, {
    onWarning: (message) => warnings.push(message),
  });
  assert.equal(read.get("n", 0), 3);
  assert.match(warnings.join(), /rows\.jsonl line 4 is not a JSON object.*the 3 rows before it were read/);
  assert.deepEqual(readFileSync(file), bytes);
});

test("what cannot be answered is one error with the place or DuckDB's own words", async (t) => {
  const folder = temporaryFolder(t);
  const good = campaign(folder, "good", SAMPLE_ROWS);
  writeFileSync(join(folder, "torn.jsonl"), '{"model":"a"}\n{"mod\n{"model":"b"}\n');
  writeFileSync(join(folder, "type.jsonl"), '{"model":"a"}\n{"ttft_ms":"fast"}\n');
  mkdirSync(join(folder, "empty"));
  await refused(
    "select model from rows",
    join(folder, "torn.jsonl"),
    /torn\.jsonl line 2 is not a JSON object/,
  );
  await refused(
    "select ttft_ms from rows",
    join(folder, "type.jsonl"),
    /type\.jsonl line 2: column ttft_ms must be a finite number, found 'fast'/,
  );
  await refused(
    "select nothing from rows",
    good,
    /^The query failed: Binder Error: Referenced column "nothing" not found/,
  );
  await refused("selct 1", good, /^The query failed: Parser Error/);
  await refused("select 1", join(folder, "nowhere"), /^There is no file or folder .*nowhere/);
  await refused("select 1", join(folder, "empty"), /empty holds no rows\.jsonl/);
  await refused("select 1", [], /^There are no rows to query/);
  await refused(
    "select 1",
    table({ x: [1, "a"] }),
    /cannot be queried: column x must be a finite number, found 'a'/,
  );
  await refused("select 1", table({ x: [{}] }), /cannot be queried: column x must be a string, found \{\}/);
  await refused("select * from 'https://example.com/a.parquet'", good, /requires the extension httpfs/);
});
