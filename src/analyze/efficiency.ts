import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { DEVICES, findDevice, type DeviceSpec } from "../record/devices.js";
import type { ColumnName } from "../record/schema.js";
import { CELL_COLUMNS } from "./columns.js";
import { columnValues, droppedInWords, inWords, presentColumns, tableOf, type Rows } from "./rows.js";
import { summarize } from "./summarize.js";

/** What a device can do at most, measured or by its maker. */
export interface Ceilings {
  /** In the type that the products are computed in. */
  readonly flopsPerS: number;
  readonly bytesPerS: number;
}

/** The ceilings that rates are held against. */
export interface EfficiencyOptions {
  /** What the rows' device can do. Without it, and without `like`, that of the row's own device, where DEVICES knows it. */
  ceilings?: Ceilings;
  /** The ceilings of a device of DEVICES by its name, such as rtx4090. */
  like?: string;
  /** Of the intervals; default 0.95. */
  confidence?: number;
}

const TIMES = { prefill: "ttft_ms", decode: "tpot_ms" } as const;
type Phase = keyof typeof TIMES;

/** What the rows say of the work of a pass; a row of each phase shares them. */
const WORK = ["prefill_flops", "prefill_moved_bytes", "decode_flops", "decode_moved_bytes"] as const;

type Cells = Readonly<Record<string, unknown>>;

/**
 * How well a device is used: a row for each cell and phase that was timed, and for each cell whose energy was. Rates are of
 * the median, their intervals those of `summarize`:
 *
 * - `time_ms` of the prefill or of one step; `tokens_per_s` of the whole batch; `j_per_token` and `flops_per_j` where the
 *   energy of that phase was measured (idle power included, as the row's method says).
 * - `flops_per_s` and `bytes_per_s`: the least work of the pass (the columns `prefill_flops`, ... that `run` writes) over the
 *   time; `flops_per_byte`, its arithmetic intensity.
 * - `mfu` and `mbu`, model FLOP and model bandwidth utilisation: those rates as shares of the ceilings; `note` says so where
 *   one is above 1, which no device does: then the ceilings are another's, or a sample is wrong.
 * - `roofline_ms`, the least time that the ceilings allow; `roofline_share`, that over the time; `bound`, which ceiling it
 *   is: compute or memory (Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785).
 *
 * What the rows or the device leave unknown is null. UserError for one set of ceilings over rows of several devices, and for
 * what `summarize` refuses.
 *
 * @example
 * efficiency(rows, { ceilings: { flopsPerS: 790e12, bytesPerS: 4.3e12 } }).select("model", "phase", "mfu", "mbu").print();
 */
export function efficiency(
  given: Rows,
  { ceilings, like, confidence = 0.95 }: EfficiencyOptions = {},
): ColumnTable {
  const table = tableOf(given);
  const metrics = presentColumns(table, ["ttft_ms", "tpot_ms", "energy_j"]);
  if (metrics.length === 0)
    throw new UserError("the table has no time and no energy: it needs ttft_ms, tpot_ms or energy_j");
  const limitsOf = chooseCeilings(table, ceilings, like);
  const by = presentColumns<ColumnName>(table, [...CELL_COLUMNS, ...WORK]);
  const cells = summarize(table, { metrics, by, confidence }).objects() as Cells[];
  const rows = cells.flatMap((cell) =>
    readings(cell).map((reading) => describe(cell, reading, limitsOf(cell))),
  );
  if (rows.length === 0)
    throw new UserError(`no row is left with a time or an energy${droppedInWords(table)}`);

  const settings = CELL_COLUMNS.filter((name) => name !== "phase" && by.includes(name));
  return fromColumns({
    ...Object.fromEntries(settings.map((name) => [name, rows.map(({ cell }) => cell[name] ?? null)])),
    phase: rows.map(({ phase }) => phase),
    ...Object.fromEntries(
      (Object.keys(rows[0]!.values) as (keyof (typeof rows)[number]["values"])[]).map((name) => [
        name,
        rows.map(({ values }) => values[name]),
      ]),
    ),
  });
}

/** A metric's median and interval; null where there is none. */
interface Estimate {
  median: number;
  lo: number | null;
  hi: number | null;
}

interface Reading {
  phase: string;
  time: Estimate | null;
  energy: Estimate | null;
}

/** What of a cell was timed, and whose energy was measured. A generation's energy is that of both phases. */
function readings(cell: Cells): Reading[] {
  const phases = (Object.keys(TIMES) as Phase[]).filter((phase) => estimate(cell, TIMES[phase]) !== null);
  const energy = estimate(cell, "energy_j");
  const measured = (cell["phase"] ?? "both") as string;
  const timed = phases.map((phase) => ({
    phase,
    time: estimate(cell, TIMES[phase]),
    energy: phase === measured ? energy : null,
  }));
  const isPlaced = energy === null || phases.some((phase) => phase === measured);
  return isPlaced ? timed : [...timed, { phase: measured, time: null, energy }];
}

function estimate(cell: Cells, metric: ColumnName): Estimate | null {
  const median = numberIn(cell, metric);
  return median === null
    ? null
    : { median, lo: numberIn(cell, `${metric}_lo`), hi: numberIn(cell, `${metric}_hi`) };
}

function describe(cell: Cells, { phase, time, energy }: Reading, ceilings: Ceilings | null) {
  const tokens = timedTokens(cell, phase);
  const tokensOfPass = passTokens(cell, phase);
  const flops = workOf(cell, phase, "flops");
  const bytes = workOf(cell, phase, "moved_bytes");
  const roofline = ceilings && flops !== null && bytes !== null ? rooflineOf(flops, bytes, ceilings) : null;
  // A rate falls as the time rises: the ends of its interval change places.
  const perS = (amount: number | null, ms: number | null | undefined): number | null =>
    amount === null || ms == null ? null : over(1000 * amount, ms);
  const flopsPerS = perS(flops, time?.median);
  const bytesPerS = perS(bytes, time?.median);
  const mfu = ceilings && flopsPerS !== null ? flopsPerS / ceilings.flopsPerS : null;
  const mbu = ceilings && bytesPerS !== null ? bytesPerS / ceilings.bytesPerS : null;
  const share = (ms: number | null | undefined): number | null =>
    roofline === null || ms == null ? null : over(roofline.ms, ms);
  const perToken = (joules: number | null | undefined): number | null =>
    joules == null || tokensOfPass === null ? null : over(joules, tokensOfPass);
  const values = {
    time_ms: time?.median ?? null,
    time_ms_lo: time?.lo ?? null,
    time_ms_hi: time?.hi ?? null,
    tokens_per_s: perS(tokens, time?.median),
    tokens_per_s_lo: perS(tokens, time?.hi),
    tokens_per_s_hi: perS(tokens, time?.lo),
    j_per_token: perToken(energy?.median),
    j_per_token_lo: perToken(energy?.lo),
    j_per_token_hi: perToken(energy?.hi),
    flops_per_j: flops === null || energy === null ? null : over(stepsOf(cell, phase) * flops, energy.median),
    flops_per_s: flopsPerS,
    bytes_per_s: bytesPerS,
    flops_per_byte: flops === null || bytes === null ? null : over(flops, bytes),
    mfu,
    mbu,
    roofline_ms: roofline?.ms ?? null,
    roofline_share: share(time?.median),
    roofline_share_lo: share(time?.hi),
    roofline_share_hi: share(time?.lo),
    bound: roofline?.bound ?? null,
    note: aboveOne({ mfu, mbu }),
  };
  return { cell, phase, values };
}

function aboveOne(shares: Readonly<Record<string, number | null>>): string | null {
  const above = Object.entries(shares).filter(([, share]) => share !== null && share > 1);
  if (above.length === 0) return null;
  return `${above.map(([name, share]) => `${name} is ${share!.toFixed(2)}`).join(" and ")}: above what the ceilings allow`;
}

/** Tokens of all sequences in what is timed: the prompt, or one step. */
function timedTokens(cell: Cells, phase: string): number | null {
  const batch = numberIn(cell, "batch") ?? 1;
  const prompt = numberIn(cell, "prompt_tokens");
  return phase === "decode" ? batch : prompt && batch * prompt;
}

/** Tokens of all sequences in a pass whose energy is measured; decoding makes all new ones but the first. */
function passTokens(cell: Cells, phase: string): number | null {
  const batch = numberIn(cell, "batch") ?? 1;
  const [prompt, made] = [numberIn(cell, "prompt_tokens"), numberIn(cell, "new_tokens")];
  if (phase === "prefill") return prompt && batch * prompt;
  if (phase === "decode") return made && batch * (made - 1);
  return prompt && made && batch * (prompt + made);
}

/** Times that the work of a phase is done in a pass of it. */
const stepsOf = (cell: Cells, phase: string): number =>
  phase === "decode" ? (numberIn(cell, "new_tokens") ?? 1) - 1 : 1;

function workOf(cell: Cells, phase: string, what: "flops" | "moved_bytes"): number | null {
  return phase in TIMES ? numberIn(cell, `${phase}_${what}`) : null;
}

function rooflineOf(flops: number, bytes: number, ceilings: Ceilings) {
  const computeMs = (1000 * flops) / ceilings.flopsPerS;
  const memoryMs = (1000 * bytes) / ceilings.bytesPerS;
  return { ms: Math.max(computeMs, memoryMs), bound: computeMs >= memoryMs ? "compute" : "memory" };
}

/** The ceilings of a cell: those given, or its device's. */
function chooseCeilings(
  table: ColumnTable,
  given: Ceilings | undefined,
  like: string | undefined,
): (cell: Cells) => Ceilings | null {
  if (given !== undefined && like !== undefined)
    throw new UserError(`the ceilings are given twice, as ${inWords(given)} and like ${like}: give one`);
  if (given === undefined && like === undefined)
    return (cell) => ratesOf(findDevice(textIn(cell, "device")), cell);
  const devices = new Set(columnValues(table, "device"));
  if (devices.size > 1)
    throw new UserError(
      `the rows are of ${devices.size} devices (${[...devices].join(", ")}), but one set of ceilings was given: ` +
        `filter the table to one device`,
    );
  if (given === undefined) {
    const device = findDevice(like!);
    if (device === null)
      throw new UserError(
        `like is ${like}: it must be ${Object.keys(DEVICES).join(" or ")}, or give ceilings as { flopsPerS, bytesPerS }`,
      );
    return (cell) => ratesOf(device, cell);
  }
  for (const name of ["flopsPerS", "bytesPerS"] as const)
    if (!(given[name] > 0 && given[name] < Infinity))
      throw new UserError(`${name} is ${given[name]}: a ceiling must be a positive number`);
  return () => given;
}

/** Quantised weights are multiplied in float16 on a GPU. */
function ratesOf(device: DeviceSpec | null, cell: Cells): Ceilings | null {
  if (device === null) return null;
  const { fp16, fp32 } = device.flopsPerS;
  return { flopsPerS: textIn(cell, "dtype") === "fp32" ? fp32 : fp16, bytesPerS: device.bytesPerS };
}

const over = (amount: number, divisor: number): number | null => (divisor === 0 ? null : amount / divisor);

const numberIn = (cell: Cells, name: string): number | null => (cell[name] ?? null) as number | null;

const textIn = (cell: Cells, name: string): string => (cell[name] ?? "") as string;
