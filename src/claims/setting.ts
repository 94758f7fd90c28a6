import { findDevice, isMemoryOf, type DeviceSpec, type Row } from "../record/index.js";
import type { Needs, PaperDevice } from "./claim.js";

/** Rows that were measured alike, so that the models among them may be compared. */
export interface Setting {
  /** A row of it, for the columns that all share. */
  readonly like: Row;
  readonly rows: readonly Row[];
}

/** fp16 and bf16 cost the same; the paper ran some models in the one and some in the other. */
const typeOf = ({ dtype }: Row): string | null => (isHalf(dtype) ? "16 bits" : (dtype ?? null));

const isHalf = (dtype: string | null | undefined): boolean => dtype === "fp16" || dtype === "bf16";

/** Columns that must agree, beside the type. How a model is expressed (lowering, CUDA graph) is its own. */
const SHARED = [
  "kind",
  "host",
  "device",
  "ep",
  "quant_block",
  "quant_compute",
  "threads",
  "batch",
  "prompt",
  "new_tokens",
  "prefill",
  "segment_tokens",
  "logits",
  "memory_limit_bytes",
  "ort_version",
] as const satisfies readonly (keyof Row)[];

const OWN = [
  "model",
  "lowering",
  "decode_lowering",
  "fused_products",
  "cuda_graph",
  "ep_options",
  "weights",
] as const;

/** Settings among a user's rows that hold one of the models, the most like the paper's first. */
export function settingsOf(
  rows: readonly Row[],
  models: readonly string[],
  { device, needs }: { device: PaperDevice | null; needs: Needs },
): Setting[] {
  const needed = Object.entries(needs) as [keyof Row, readonly unknown[]][];
  const usable = rows.filter(
    (row) =>
      (models.length === 0 || models.includes(row.model ?? "")) &&
      row.verdict !== "rejected" &&
      row.superseded !== true &&
      row.kind !== "profiled_latency" &&
      (row.batch ?? 1) === 1 &&
      needed.every(([name, wanted]) => wanted.includes(row[name])),
  );
  return [...groupBy(usable, (row) => [typeOf(row), ...SHARED.map((name) => row[name] ?? null)]).values()]
    .map((group) => ({ like: group[0]!, rows: oneFormEach(group) }))
    .sort((p, q) => compare(likeness(q, device), likeness(p, device)));
}

/** How like the paper's setting one is: what matters most first, true above false. */
function likeness({ like, rows }: Setting, device: PaperDevice | null): readonly number[] {
  return [
    isDevice(like.device, device),
    hasMemoryOf(like, device),
    like.prefill === "monolithic",
    like.logits === "all",
    isHalf(like.dtype),
    like.new_tokens === 256,
    rows.length,
  ].map(Number);
}

/** Whether two settings are as much like the paper's, however many rows they have. */
export function isAsLike(p: Setting, q: Setting, device: PaperDevice | null): boolean {
  const bySetting = (setting: Setting): readonly number[] => likeness(setting, device).slice(0, -1);
  return compare(bySetting(p), bySetting(q)) === 0;
}

function compare(p: readonly number[], q: readonly number[]): number {
  return p.map((value, i) => value - q[i]!).find((difference) => difference !== 0) ?? 0;
}

/**
 * Rows of one form of each model: its fused operators where there are any, which is what the paper measured; else the
 * form with most samples.
 */
function oneFormEach(rows: readonly Row[]): Row[] {
  const forms = [...groupBy(rows, (row) => OWN.map((name) => row[name] ?? null)).values()];
  const size = (form: readonly Row[]): number => form.length + (form[0]!.lowering === "fused" ? 1e9 : 0);
  const best = new Map<string, Row[]>();
  for (const form of forms) {
    const model = form[0]!.model ?? "";
    if (size(form) > size(best.get(model) ?? [{}]) || !best.has(model)) best.set(model, form);
  }
  return [...best.values()].flat();
}

function groupBy(rows: readonly Row[], key: (row: Row) => readonly unknown[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const id = JSON.stringify(key(row));
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(row);
  }
  return groups;
}

const specOf = (device: PaperDevice): DeviceSpec => findDevice(device)!;

export const deviceWords = (device: PaperDevice): string => specOf(device).words;

/** Whether a device's name is that of a device of the paper; a claim of no device is at home on all. */
export function isDevice(name: string | null | undefined, device: PaperDevice | null): boolean {
  return device === null || findDevice(name ?? "") === specOf(device);
}

/** Whether rows had the memory of a device of the paper: on it, or under a limit of that size. */
export function hasMemoryOf(
  { device: name, memory_limit_bytes: limit }: Row,
  device: PaperDevice | null,
): boolean {
  if (device === null) return true;
  return limit == null ? isDevice(name, device) : isMemoryOf(specOf(device), limit);
}

/** A setting in words: device, type and how the prompt was read. */
export function settingWords({ like, rows }: Setting): string {
  const lowerings = [...new Set(rows.flatMap(({ lowering }) => lowering ?? []))];
  return [
    like.device ?? "an unnamed device",
    like.dtype &&
      (isHalf(like.dtype) ? [...new Set(rows.map(({ dtype }) => dtype))].join(" and ") : like.dtype),
    lowerings.length > 0 ? `lowering ${lowerings.join(" and ")}` : null,
    like.memory_limit_bytes ? `memory limit ${(like.memory_limit_bytes / 2 ** 30).toFixed(1)} GiB` : null,
  ]
    .filter((part) => part)
    .join(", ");
}

/** In what a setting differs from the paper's, e.g. `logits last (all)`; empty where it does not. */
export function differences({ like }: Setting): string[] {
  const differs = (name: "prefill" | "logits", papers: string): string[] =>
    like[name] != null && like[name] !== papers ? [`${name} ${like[name]} (${papers})`] : [];
  return [
    ...differs("prefill", "monolithic"),
    ...differs("logits", "all"),
    ...(like.dtype != null && !isHalf(like.dtype) ? [`dtype ${like.dtype} (fp16 or bf16)`] : []),
  ];
}
