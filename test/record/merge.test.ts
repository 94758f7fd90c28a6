import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatJsonLines, readJsonLines } from "../../src/record/jsonl.js";
import { mergeCampaigns, mergeRows, type MergeOptions } from "../../src/record/merge.js";
import type { Row } from "../../src/record/schema.js";
import { temporaryFolder } from "./sample-rows.js";

const row = (cell: string, repeat: number, more: Row = {}): Row => ({
  kind: "latency",
  status: "ok",
  campaign: "shard",
  cell,
  model: `model-${cell}`,
  prompt_tokens: 128,
  phase: "both",
  repeat,
  ttft_ms: repeat + 0.5,
  host: "one",
  device: "NVIDIA H200",
  ort_version: "1.29.0",
  ...more,
});
const source = (file: string, ...rows: Row[]) => ({ file, rows });
const shard = (i: number, n: number, ...rows: Row[]) => source(`/x/shard-${i}-of-${n}/rows.jsonl`, ...rows);

test("shards become one campaign, hosts named, every row kept in order", () => {
  const merged = mergeRows(
    [shard(1, 2, row("a", 0), row("a", 1)), shard(2, 2, row("b", 0, { host: "two" }))],
    "all",
  );
  assert.deepEqual(
    merged.rows.map(({ campaign, cell, repeat }) => [campaign, cell, repeat]),
    [
      ["all", "a", 0],
      ["all", "a", 1],
      ["all", "b", 0],
    ],
  );
  assert.deepEqual([merged.repeated, merged.hosts], [0, ["one", "two"]]);
});

test("a sample that two files hold is taken once word for word, and refused with other readings", () => {
  const again = row("a", 0, { campaign: "copy" });
  const merged = mergeRows([source("/x/1", row("a", 0)), source("/x/2", again, row("b", 0))], "all");
  assert.deepEqual([merged.rows.length, merged.repeated], [2, 1]);
  assert.throws(
    () => mergeRows([source("/x/1", row("a", 0)), source("/x/2", row("a", 0, { ttft_ms: 7 }))], "all"),
    {
      name: "UserError",
      message: /^\/x\/1 and \/x\/2 both hold repeat 0 \(latency\) of the cell a, model-a at 128 tokens/,
    },
  );
});

test("other kinds, phases, operators, retaken failures and retakes within a file are no duplicates", () => {
  const ours = [
    row("a", 0, { status: "failed" }),
    row("a", 0),
    row("a", 0, { kind: "energy", phase: "prefill" }),
    row("a", 0, { kind: "energy", phase: "decode" }),
    row("a", 0, { kind: "operators", breakdown: "fine", op_class: "gemm" }),
    row("a", 0, { kind: "operators", breakdown: "fine", op_class: "memory" }),
    row("a", 0, { ttft_ms: 9 }),
  ];
  const theirs = [row("a", 0, { status: "failed", host: "two" }), row("b", 0)];
  const merged = mergeRows([source("/x/1", ...ours), source("/x/2", ...theirs)], "all");
  assert.deepEqual([merged.rows.length, merged.repeated], [9, 0]);
});

test("what is no one campaign is refused with the files, or let through on request", () => {
  const refused = (
    sources: ReturnType<typeof source>[],
    message: RegExp,
    options: MergeOptions = {},
  ): void => {
    assert.throws(() => mergeRows(sources, "all", options), { name: "UserError", message });
  };
  const a = row("a", 0);
  const b = row("b", 0);
  const gap = [shard(1, 4, a), shard(3, 4, b)];
  refused(gap, /^shard-2-of-4, shard-4-of-4 of 4 shards have no rows; run what is missing, or .*--partial/);
  assert.equal(mergeRows(gap, "all", { partial: true }).rows.length, 2);
  refused([shard(1, 2, a), shard(2, 3, b)], /^shard-1-of-2 and shard-2-of-3 are shards of different sweeps/);
  const mixed = [source("/x/1", a), source("/x/2", row("b", 0, { ort_version: "1.30.0" }))];
  refused(mixed, /^ort_version is 1\.29\.0 in \/x\/1 and 1\.30\.0 in \/x\/2: .*--mixed/);
  assert.equal(mergeRows(mixed, "all", { mixed: true }).rows.length, 2);
  refused(
    [source("/x/1", a), source("/x/2", row("b", 0, { device: "NVIDIA A100" }))],
    /^device is NVIDIA H200 in/,
  );
  refused(
    [source("/x/1", a), source("/x/2", row("a", 1, { prompt_tokens: 256 }))],
    /^The cell a has prompt_tokens 128 in \/x\/1 and 256 in \/x\/2: a key must stand for one setting/,
  );
  refused([source("/x/1", a), source("/x/2", { model: "x" })], /^\/x\/2: row 1 has no cell/);
  refused([source("/x/1", a), source("/x/2")], /^\/x\/2 holds no row/);
  refused([source("/x/1", a)], /^Only \/x\/1 was given; a merge takes two campaigns or more/);
});

test("folders are merged into a new one, the shards stay, and nothing is left where it fails", async (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, ...rows: Row[]): void => {
    mkdirSync(join(folder, "sweep", name), { recursive: true });
    writeFileSync(join(folder, "sweep", name, "rows.jsonl"), formatJsonLines(rows));
  };
  write("shard-1-of-2", row("a", 0));
  const merge = (out: string) => mergeCampaigns([join(folder, "sweep")], join(folder, out));
  await assert.rejects(merge("all"), { name: "UserError", message: /^shard-2-of-2 of 2 shards has no rows/ });
  write("shard-2-of-2", row("b", 0), row("b", 1));
  const { rows } = await merge("all");
  assert.deepEqual(readJsonLines(join(folder, "all", "rows.jsonl")).rows, rows);
  assert.deepEqual(readdirSync(join(folder, "all")), ["rows.jsonl"]);
  assert.equal(
    readFileSync(join(folder, "sweep", "shard-1-of-2", "rows.jsonl"), "utf8"),
    formatJsonLines([row("a", 0)]),
  );
  await assert.rejects(merge("all"), { name: "UserError", message: /all already holds a campaign/ });
  write("shard-2-of-2", row("b", 0), row("a", 0, { ttft_ms: 3 }));
  await assert.rejects(merge("again"), { name: "UserError", message: /both hold repeat 0/ });
  assert.ok(!existsSync(join(folder, "again")));
});

test("a shard whose last line a crash has cut is merged without that line, and said", async (t) => {
  const folder = temporaryFolder(t);
  for (const [name, text] of [
    ["1", formatJsonLines([row("a", 0), row("a", 1)]).slice(0, -9)],
    ["2", formatJsonLines([row("b", 0)])],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "rows.jsonl"), text);
  }
  const warnings: string[] = [];
  const { rows } = await mergeCampaigns([folder], join(folder, "out"), {
    onWarning: (text) => warnings.push(text),
  });
  assert.equal(rows.length, 2);
  assert.match(warnings.join(), /rows\.jsonl line 2 is not a JSON object.*It was left out/);
});
