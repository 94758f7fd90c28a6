import { memoryOf } from "../../models/index.js";
import type { Row } from "../../record/index.js";
import { activationType } from "../graph-options.js";
import { cellColumns } from "../rows.js";
import type { Cell } from "../plan.js";

/** What earlier rows a prediction is from, the closest first; `none`: there are none to scale. */
export type Basis = "same cell" | "same setting" | "same model" | "same family" | "none";

/** What a cell will likely take. What has no basis is null; memory always has one, by the model's shapes. */
export interface Prediction {
  readonly cell: Cell;
  readonly ttftMs: number | null;
  readonly tpotMs: number | null;
  readonly timeBasis: Basis;
  /** Of all its samples and their warm-up, without the time to load weights. */
  readonly totalS: number | null;
  /** Of one prompt and its new tokens. */
  readonly energyJ: number | null;
  readonly energyBasis: Basis;
  /** What the process will hold. Without earlier rows the least that the model asks for. */
  readonly memoryBytes: number;
  readonly memoryBasis: Basis;
  /** The cell's budget, or the device's memory; null where it is not known. */
  readonly limitBytes: number | null;
  /** null where the limit is not known. */
  readonly fits: boolean | null;
}

/** Columns that rows must share with the cell; the length is the one that a prediction is scaled over. */
const LEVELS: readonly (readonly [Basis, readonly (keyof Row)[]])[] = [
  ["same cell", ["cell"]],
  ["same setting", ["model", "ep", "dtype", "quant_block", "quant_compute", "lowering", "decode_lowering"]],
  ["same model", ["model", "ep", "dtype"]],
  ["same family", ["family", "ep", "dtype"]],
];
const SETTING: readonly (keyof Row)[] = ["batch", "prefill", "segment_tokens", "logits"];

/** Runs of a warm-up, and the tokens of each, see measure.ts. */
const WARM_UP_RUNS = 2;
const WARM_UP_TOKENS = 4;

interface Predicting {
  readonly limitBytes: number | null;
  /** Processes that each warm up anew. */
  readonly blocks: number;
}

/**
 * Predicts a cell from rows of earlier ones, best from those most like it and nearest in length: time to first token and
 * energy in proportion to the work (FLOPs of `cost`), time per token to the bytes that a step must move, memory to what the
 * model's shapes ask for. A campaign of another device predicts that device.
 */
export function predict(cell: Cell, earlier: readonly Row[], { limitBytes, blocks }: Predicting): Prediction {
  const columns = cellColumns(cell);
  const times = earlier.filter(({ kind, status }) => kind === "latency" && status === "ok");
  const time = nearest(times, columns, ({ ttft_ms }) => ttft_ms != null);
  const ttftMs = scaled(
    time.rows,
    ({ ttft_ms }) => ttft_ms,
    (row) => row.prefill_flops,
    columns,
  );
  const tpotMs = scaled(
    time.rows,
    ({ tpot_ms }) => tpot_ms,
    (row) => row.decode_moved_bytes,
    columns,
  );
  const energies = earlier.filter(
    ({ kind, status, phase }) => kind === "energy" && status === "ok" && phase === "both",
  );
  const energy = nearest(energies, columns, ({ energy_j }) => energy_j != null);
  const memory = nearest(times, columns, ({ total_bytes }) => total_bytes != null, 2);
  const memoryBytes = held(cell, memory.rows);
  const decodeMs = cell.newTokens > 1 ? tpotMs : 0;
  const generationMs = (tokens: number): number | null =>
    ttftMs === null || decodeMs === null ? null : ttftMs + (Math.min(tokens, cell.newTokens) - 1) * decodeMs;
  const [one, warm] = [generationMs(cell.newTokens), generationMs(WARM_UP_TOKENS)];
  return {
    cell,
    ttftMs,
    tpotMs,
    timeBasis: ttftMs === null ? "none" : time.basis,
    totalS: one === null ? null : (cell.repeats * one + blocks * WARM_UP_RUNS * warm!) / 1000,
    energyJ: scaled(energy.rows, ({ energy_j }) => energy_j, totalFlops, columns),
    energyBasis: energy.basis,
    memoryBytes,
    memoryBasis: memory.basis,
    limitBytes,
    fits: limitBytes === null ? null : memoryBytes <= limitBytes,
  };
}

/** Rows of the closest level that has any, and of these the ones of the nearest length. */
function nearest(
  rows: readonly Row[],
  columns: Row,
  tells: (row: Row) => boolean,
  levels = LEVELS.length,
): { basis: Basis; rows: readonly Row[] } {
  for (const [basis, shared] of LEVELS.slice(0, levels)) {
    const same = basis === "same setting" ? [...shared, ...SETTING] : shared;
    const alike = rows.filter(
      (row) => tells(row) && same.every((name) => (row[name] ?? null) === (columns[name] ?? null)),
    );
    const apart = (row: Row): number => Math.abs(Math.log(row.prompt_tokens! / columns.prompt_tokens!));
    const least = Math.min(...alike.map(apart));
    if (alike.length > 0) return { basis, rows: alike.filter((row) => apart(row) === least) };
  }
  return { basis: "none", rows: [] };
}

/** The rows' median of a value in proportion to its work; null where none tells both. */
function scaled(
  rows: readonly Row[],
  valueOf: (row: Row) => number | null | undefined,
  workOf: (row: Row) => number | null | undefined,
  columns: Row,
): number | null {
  const mine = workOf(columns);
  const rates = rows.flatMap((row) => {
    const [value, work] = [valueOf(row), workOf(row)];
    return value != null && work != null && work > 0 ? [value / work] : [];
  });
  if (mine == null || rates.length === 0) return null;
  return mine * rates.sort((a, b) => a - b)[Math.floor((rates.length - 1) / 2)]!;
}

const totalFlops = ({ prefill_flops, decode_flops, new_tokens }: Row): number | null =>
  prefill_flops == null ? null : prefill_flops + (decode_flops ?? 0) * Math.max(0, (new_tokens ?? 1) - 1);

/** What a process holds: what the model asks for by its shapes, as much more as rows of the setting held, and their context. */
function held(cell: Cell, rows: readonly Row[]): number {
  const [row] = rows;
  const least = askedFor(cell, cell.promptTokens);
  if (!row) return least;
  const factor = row.total_bytes! / askedFor(cell, row.prompt_tokens!);
  return factor * least + (row.context_bytes ?? 0);
}

/** Weights, caches, states (SSM and convolution states twice) and activations; and, where all are computed, a segment's logits. */
function askedFor(cell: Cell, promptTokens: number): number {
  const { model, batch, newTokens, segmentTokens, quant, logits } = cell;
  const segment = Math.min(segmentTokens ?? promptTokens, promptTokens);
  const memory = memoryOf(model, {
    batch,
    tokens: promptTokens + newTokens,
    segmentTokens: segment,
    dtype: activationType(cell),
    ...(quant && { quantized: quant }),
  });
  const { weightsBytes, kvCacheBytes, ssmStateBytes, convStateBytes, activationBytes } = memory;
  const logitsBytes = logits === "all" ? 4 * batch * segment * model.config.vocab_size : 0;
  return weightsBytes + kvCacheBytes + 2 * (ssmStateBytes + convStateBytes) + activationBytes + logitsBytes;
}
