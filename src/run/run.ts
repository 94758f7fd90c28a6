import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { openRuntime } from "../ort/index.js";
import { machineFacts, rowsToTable, type Row } from "../record/index.js";
import { findEnergySource } from "../sensors/energy/find-source.js";
import { memoryCampaign, openCampaign } from "./campaign.js";
import { energyOf, type EnergySettings, type EnergySweep } from "./energy.js";
import { measureIsolated } from "./isolated.js";
import type { WarmUpOptions } from "./measure.js";
import { measureModel, type Sweep } from "./measure-model.js";
import { oneOf, plan, type AnyCell, type Cell, type Settings } from "./plan.js";
import { showProgress, silentProgress } from "./progress.js";
import { totalWork } from "./work.js";

/** How a sweep is carried out; none of it changes what a cell is. */
export interface SweepOptions {
  /** Folder of the campaign; rows are appended to its rows.jsonl as they come. Without it they are only returned. */
  out?: string;
  /** Go on with the campaign in `out`: cells that are complete are not measured again. */
  resume?: boolean;
  /**
   * `cell` measures every cell in a process of its own, so that a crash in native code is a row and the sweep goes on;
   * `none` measures all in this process, the weights of a model made once; `auto` (default): `cell` but for the CPU.
   */
  isolate?: "auto" | "cell" | "none";
  /** Stops after the generation in flight; complete rows stay, and the table so far is in the error's `table`. */
  signal?: AbortSignal;
  /** A bar or lines on stderr (default), or nothing. */
  progress?: "auto" | "none";
  warmUp?: Partial<WarmUpOptions>;
  /**
   * Measures the energy of every cell too, after its times: rows of kind `energy`, of the prefill, of decoding and of both.
   * It takes some ten seconds each. Without a sensor these rows are skipped, with the reason.
   */
  energy?: boolean | EnergySettings;
}

export interface RunOptions extends Settings, SweepOptions {}

/** Warm-up ends when two times to first token in a row differ by less than this, and on a GPU after more than a second. */
export const WARM_UP: Record<Cell["ep"], WarmUpOptions> = {
  cpu: { tolerance: 0.05, maxRuns: 4 },
  cuda: { tolerance: 0.05, maxRuns: 4, minMs: 1500 },
};

/** Execution providers whose cells need no process of their own: native code that has not been seen to crash. */
const ROBUST: readonly Cell["ep"][] = ["cpu"];

/** The sweep was stopped from outside; what was measured before is in `table`. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  constructor(readonly table: ColumnTable) {
    super(`interrupted; ${table.numRows()} complete rows are kept`);
  }
}

/**
 * Measures every model at every prompt length on this machine and returns one row a sample (columns: schema.ts),
 * rows of an earlier, resumed campaign included. Weights are seeded random numbers unless a checkpoint is given: speed
 * and memory do not depend on them, and every row says which.
 *
 * Throws UserError for settings that make no sense, before anything is measured. Running out of memory is a row, and so
 * is the death of a cell's own process.
 */
export async function run(options: RunOptions): Promise<ColumnTable> {
  return await runCells(plan(options), options);
}

/** `run` for cells that are planned already. `preload`: see IsolatedOptions. */
export async function runCells(
  cells: readonly AnyCell[],
  options: SweepOptions & { preload?: readonly string[]; findEnergy?: EnergySweep["find"] },
): Promise<ColumnTable> {
  const isolate = oneOf("isolate", options.isolate ?? "auto", ["auto", "cell", "none"] as const);
  const ownProcess =
    isolate === "cell" || (isolate === "auto" && cells.some(({ ep }) => !ROBUST.includes(ep)));
  const device = deviceFacts(cells);
  const campaign = options.out
    ? openCampaign(options.out, options.resume ?? false)
    : memoryCampaign("unsaved");
  const rows = [...campaign.earlier];
  const here: Row = { ...machineFacts(), ort_version: openRuntime().version, ...device };
  refuseOtherMachine(rows, here);
  const energy = energyOf(options.energy);
  const todo = cells
    .map((cell) => ({
      cell,
      repeats: missingRepeats(cell, rows, "latency", cell.repeats),
      energyRepeats: energy ? missingRepeats(cell, rows, "energy", energy.repeats ?? 1) : [],
    }))
    .filter(({ repeats, energyRepeats }) => repeats.length + energyRepeats.length > 0);
  const progress = options.progress === "none" ? silentProgress : showProgress(totalWork(todo));
  const sweep: Sweep = {
    add: (row) => {
      rows.push(row);
      campaign.add(row);
    },
    common: { campaign: campaign.name, ...here },
    warmUp: { ...WARM_UP[cells[0]!.ep], ...options.warmUp },
    energy: energy && { settings: energy, find: options.findEnergy ?? findEnergySource },
    progress,
    signal: options.signal,
  };
  const logs = campaign.folder === "" ? null : join(campaign.folder, "logs");
  try {
    for (const model of new Set(todo.map(({ cell }) => cell.model))) {
      const mine = todo.filter(({ cell }) => cell.model === model);
      if (ownProcess) for (const one of mine) await measureIsolated(one, sweep, { ...options, logs });
      else await measureModel(mine, sweep);
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw new InterruptedError(rowsToTable(rows));
    throw error;
  } finally {
    progress.stop();
  }
  return rowsToTable(rows);
}

/** The GPU of the cells, or a UserError that says why there is none: asked for before any file is written. */
export function deviceFacts(cells: readonly AnyCell[]): Row {
  const onGpu = cells.find(({ ep }) => ep === "cuda");
  if (!onGpu) return {};
  const { name, driverVersion } = openRuntime().inspectCuda(onGpu.deviceId!);
  return { device: name, gpu_driver: driverVersion };
}

/** What must not change in the middle of a campaign: its rows would be compared as if nothing had. */
const ONE_CAMPAIGN = [
  "host",
  "cpu_model",
  "ort_version",
  "device",
  "gpu_driver",
  "ssm_scope_version",
] as const satisfies (keyof Row)[];

export function refuseOtherMachine(earlier: readonly Row[], here: Row): void {
  for (const name of ONE_CAMPAIGN) {
    const other = earlier.find((row) => row[name] != null && row[name] !== (here[name] ?? row[name]));
    if (other)
      throw new UserError(
        `the campaign was measured with ${name} ${other[name]}, and here it is ${here[name]}; choose another folder (--out)`,
      );
  }
}

/** The samples that a cell still lacks. Of its energy, one that no sensor told is tried again. */
function missingRepeats(
  cell: AnyCell,
  rows: readonly Row[],
  kind: "latency" | "energy",
  repeats: number,
): number[] {
  const mine = rows.filter((row) => row.cell === cell.key && row.kind !== "operators");
  if (mine.some((row) => row.status === "oom")) return [];
  const have = new Set(
    mine.filter((row) => row.kind === kind && row.status === "ok").map((row) => row.repeat),
  );
  return Array.from({ length: repeats }, (_, i) => i).filter((i) => !have.has(i));
}
