import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { formatJsonLines, readJsonLines, type WarningOptions } from "./jsonl.js";
import { ROWS_FILE } from "./load.js";
import { rowFiles } from "./row-files.js";
import type { ColumnName, Row } from "./schema.js";
import { writeWhole } from "./whole-file.js";

/** What a merge lets through that it refuses otherwise. */
export interface MergeOptions {
  /** Shards may be missing. */
  partial?: boolean;
  /** Rows may be of different machines or versions; each says its own. */
  mixed?: boolean;
}

/** The rows of one file, and where they lay. */
export interface RowSource {
  readonly file: string;
  readonly rows: readonly Row[];
}

/** What was merged. */
export interface Merged {
  readonly rows: Row[];
  /** Rows that a second file held word for word, left out. */
  readonly repeated: number;
  /** Machines by name; shards of one sweep may run on several alike. */
  readonly hosts: string[];
}

/**
 * Merges campaigns, such as the shards of a sweep (folders, or a folder of them), into a new one in `out`. Refuses, with the
 * files: missing shards, different machines or versions, a key that means two cells, and a sample that two files hold
 * with different readings. The new rows.jsonl appears when it is whole.
 */
export async function mergeCampaigns(
  paths: readonly string[],
  out: string,
  { onWarning = console.warn, ...options }: MergeOptions & WarningOptions = {},
): Promise<Merged> {
  const target = join(out, ROWS_FILE);
  if (existsSync(target))
    throw new UserError(`${out} already holds a campaign; choose another folder to merge into.`);
  const files = [...new Set(paths.flatMap(rowFiles).map((file) => resolve(file)))];
  const sources = files.map((file): RowSource => {
    const { rows, cut } = readJsonLines(file);
    if (cut !== null) onWarning(`${cut}. It was left out.`);
    return { file, rows };
  });
  const merged = mergeRows(sources, basename(resolve(out)), options);
  await writeWhole(target, formatJsonLines(merged.rows));
  return merged;
}

/** The rows of all sources as those of one campaign, or a `UserError` that says why they are none. */
export function mergeRows(
  sources: readonly RowSource[],
  campaign: string,
  { partial = false, mixed = false }: MergeOptions = {},
): Merged {
  const empty = sources.find(({ rows }) => rows.length === 0);
  if (empty) throw new UserError(`${empty.file} holds no row: nothing was measured yet.`);
  if (!partial) refuseMissingShards(sources);
  if (sources.length < 2)
    throw new UserError(
      `Only ${sources[0]?.file ?? "nothing"} was given; a merge takes two campaigns or more.`,
    );
  if (!mixed) refuseOtherMachines(sources);
  refuseTwoMeanings(sources);
  const kept = withoutRepeated(sources);
  const total = sources.reduce((sum, { rows }) => sum + rows.length, 0);
  return {
    rows: kept.map((row) => ({ ...row, campaign })),
    repeated: total - kept.length,
    hosts: [...new Set(kept.flatMap(({ host }) => host ?? []))].sort(),
  };
}

const SHARD = /^shard-(\d+)-of-(\d+)$/;

/** Folders that are named as shards must be all of one sweep. */
function refuseMissingShards(sources: readonly RowSource[]): void {
  const shards = sources.flatMap(({ file }) => {
    const [name, number, count] = SHARD.exec(basename(dirname(file))) ?? [];
    return name === undefined ? [] : [{ name, number: Number(number), count: Number(count) }];
  });
  const [first] = shards;
  if (!first) return;
  const other = shards.find(({ count }) => count !== first.count);
  if (other)
    throw new UserError(
      `${first.name} and ${other.name} are shards of different sweeps; merge those of one.`,
    );
  const there = new Set(shards.map(({ number }) => number));
  const missing = Array.from({ length: first.count }, (_, i) => i + 1).filter((number) => !there.has(number));
  if (missing.length === 0) return;
  const names = missing.map((number) => `shard-${number}-of-${first.count}`).join(", ");
  throw new UserError(
    `${names} of ${first.count} shards ${missing.length === 1 ? "has" : "have"} no rows; run what is missing, or merge without (--partial).`,
  );
}

/** What may not differ in one campaign. The host may: a sweep is split over machines of one kind. */
const ONE_CAMPAIGN: readonly ColumnName[] = [
  "device",
  "cpu_model",
  "gpu_driver",
  "cuda_version",
  "ort_version",
  "ssm_scope_version",
  "git_commit",
];

function refuseOtherMachines(sources: readonly RowSource[]): void {
  for (const name of ONE_CAMPAIGN) {
    const [a, b] = firstDifferent(sources, name);
    if (b)
      throw new UserError(
        `${name} is ${String(a!.value)} in ${a!.file} and ${String(b.value)} in ${b.file}: readings of different machines or versions are no one campaign; merge them all the same with --mixed.`,
      );
  }
}

interface Found {
  readonly file: string;
  readonly value: unknown;
}

/** The first value of a column, and the first that differs from it. */
function firstDifferent(sources: readonly RowSource[], name: ColumnName): Found[] {
  const found: Found[] = [];
  for (const { file, rows } of sources)
    for (const row of rows) {
      const value = row[name];
      if (value == null || found[0]?.value === value) continue;
      found.push({ file, value });
      if (found.length === 2) return found;
    }
  return found;
}

/** What a cell's key stands for, as far as a row shows it. */
const KEYED: readonly ColumnName[] = [
  "model",
  "weights",
  "dtype",
  "lowering",
  "decode_lowering",
  "ep",
  "batch",
  "prompt_tokens",
  "new_tokens",
  "prompt",
  "prefill",
  "segment_tokens",
  "logits",
];

function refuseTwoMeanings(sources: readonly RowSource[]): void {
  const cells = new Map<string, { file: string; row: Row }>();
  for (const { file, rows } of sources)
    for (const [index, row] of rows.entries()) {
      if (row.cell == null)
        throw new UserError(`${file}: row ${index + 1} has no cell, so it is of no campaign of ours.`);
      const known = cells.get(row.cell);
      if (!known) {
        cells.set(row.cell, { file, row });
        continue;
      }
      const name = KEYED.find(
        (one) => row[one] != null && known.row[one] != null && row[one] !== known.row[one],
      );
      if (name !== undefined)
        throw new UserError(
          `The cell ${row.cell} has ${name} ${String(known.row[name])} in ${known.file} and ${String(row[name])} in ${file}: a key must stand for one setting.`,
        );
    }
}

/** What tells a sample of a cell from its others. */
const SAMPLE: readonly ColumnName[] = ["cell", "kind", "repeat", "phase", "breakdown", "op_class"];

/**
 * Rows of one file stay as they are: a cell that failed may have been taken again. Between files a sample may be
 * there twice only word for word, as copied folders have it.
 */
function withoutRepeated(sources: readonly RowSource[]): Row[] {
  const taken = new Map<string, { file: string; text: string }>();
  return sources.flatMap(({ file, rows }) =>
    rows.filter((row) => {
      if (row.status !== "ok") return true;
      const key = JSON.stringify(SAMPLE.map((name) => row[name] ?? null));
      const text = JSON.stringify({ ...row, campaign: null });
      const known = taken.get(key);
      if (!known || known.file === file) {
        taken.set(key, { file, text });
        return true;
      }
      if (known.text === text) return false;
      throw new UserError(
        `${known.file} and ${file} both hold repeat ${String(row.repeat)} (${String(row.kind)}) of the cell ${String(row.cell)}, ${String(row.model)} at ${String(row.prompt_tokens)} tokens, with different readings: one cell was measured twice; merge only one of the two.`,
      );
    }),
  );
}
