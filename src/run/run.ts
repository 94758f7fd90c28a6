import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { markSuperseded, rowsToTable, type Row } from "../record/index.js";
import { findEnergySource } from "../sensors/energy/find-source.js";
import { memoryCampaign, openCampaign } from "./campaign.js";
import { deviceFacts, softwareFacts, type DeviceFacts } from "./device-facts.js";
import { energyOf, energyRepeatsOf, type EnergySettings, type EnergySweep } from "./energy.js";
import { gatherEnvironment } from "./environment/gather.js";
import { keepEnvironment } from "./environment/keep.js";
import { measureIsolated } from "./isolated.js";
import type { WarmUpOptions } from "./measure.js";
import { measureModel, type Sweep } from "./measure-model.js";
import { count, oneOf, plan, type AnyCell, type Ep, type Settings } from "./plan.js";
import { showProgress, silentProgress } from "./progress.js";
import { stopButton } from "./stop-button.js";
import { coolDown, readTemperature, type Thermometer } from "./sweep/cool-down.js";
import { precisionOf } from "./sweep/enough.js";
import { drive, missingOf } from "./sweep/drive.js";
import { Ledger } from "./sweep/ledger.js";
import { remeasureOf, type Remeasure } from "./sweep/remeasure.js";
import { schedule, type Order, type Sharing } from "./sweep/schedule.js";
import { watchConditions } from "./watch-conditions.js";
import { rowsOf, totalWork } from "./work.js";

/** How a sweep is carried out; none of it changes what a cell is. */
export interface SweepOptions {
  /** Folder of the campaign; rows are appended to its rows.jsonl as they come. Without it they are only returned. */
  out?: string;
  /** Go on with the campaign in `out`: cells that are complete are not measured again. */
  resume?: boolean;
  /**
   * `cell` measures every cell in a process of its own, so that a crash in native code is a row and the sweep goes on;
   * `model` has one for the cells of a model, whose weights are then made once, and a new one after a crash;
   * `none` measures all in this process, the weights of a model made once; `auto` (default): `cell`, but for the CPU where
   * neither a time nor a memory limit asks for it.
   */
  isolate?: "auto" | "cell" | "model" | "none";
  /** Longest time of a cell in seconds, from its start to its last sample; a process that takes longer is killed. */
  timeoutS?: number;
  /** In which order samples are taken. Default: sequential, one cell after the other. */
  order?: Order;
  /** Seed of the order in blocks. Default: a random one, or the one of the campaign that is resumed; rows say it. */
  orderSeed?: number;
  /** Seconds to wait between cells. */
  pauseS?: number;
  /** Wait before each cell until the device is no hotter than this, in degrees Celsius. */
  coolToC?: number;
  /**
   * Where a setting runs out of memory at one of the lengths, find the longest length that it runs, to 2 %, by more cells
   * between the lengths; rows of kind `limit` say it. Without, longer cells are skipped.
   */
  bisect?: boolean;
  /**
   * Takes samples of a cell until the 95 % interval of its median TTFT, and of its TPOT, is this share of the median wide: 0.02
   * is 2 %. `repeats` are taken at least, and six, as no interval is judged before.
   */
  targetWidth?: number;
  /** Samples after which a cell is left as it is, with `targetWidth`. Default: ten times `repeats`. */
  maxRepeats?: number;
  /**
   * Takes samples again whose verdict is in doubt for a reason that may have passed (heat, clocks, other processes), when all
   * cells are measured. The earlier rows stay; `attempt` tells them apart, and readers mark them as `superseded`.
   */
  remeasure?: Remeasure;
  /**
   * Stops after the generation in flight; complete rows stay, and the table so far is in the error's `table`. Default: the
   * stop button of a notebook.
   */
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
export const WARM_UP: Record<Ep, WarmUpOptions> = {
  cpu: { tolerance: 0.05, maxRuns: 4 },
  cuda: { tolerance: 0.05, maxRuns: 4, minMs: 1500 },
};

/** Execution providers whose cells need no process of their own: native code that has not been seen to crash. */
const ROBUST: readonly Ep[] = ["cpu"];

/** The sweep was stopped from outside; what was measured before is in `table`. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  constructor(readonly table: ColumnTable) {
    super(`interrupted; ${table.numRows()} complete rows are kept`);
  }
}

let interrupted: ColumnTable | null = null;

/**
 * The rows of the sweep of this process that was interrupted last, for the next cell of a notebook; null where none was. A
 * sweep with `out` has them there too, and goes on with `resume`.
 */
export const interruptedRows = (): ColumnTable | null => interrupted;

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

/** What tests put in the place of the machine. `preload`: see IsolatedOptions. */
interface StandIns {
  readonly preload?: readonly string[];
  readonly findEnergy?: EnergySweep["find"];
  readonly thermometer?: Thermometer;
  readonly watch?: Sweep["watch"];
}

/** `run` for cells that are planned already. */
export async function runCells(
  cells: readonly AnyCell[],
  options: SweepOptions & StandIns,
): Promise<ColumnTable> {
  const sharing = sharingOf(cells, options);
  const order = oneOf("the order", options.order ?? "sequential", ["sequential", "blocks"] as const);
  const energy = energyOf(options.energy);
  const precision = precisionOf(options);
  const remeasure = remeasureOf(options.remeasure);
  const eps = [...new Set(cells.map(({ ep }) => ep))];
  const facts = new Map(eps.map((ep) => [ep, deviceFacts(cells, ep)]));
  const { thermometer = readTemperature } = options;
  if (options.coolToC !== undefined) for (const ep of eps) await thermometer(ep);
  using campaign = options.out
    ? openCampaign(options.out, options.resume ?? false)
    : memoryCampaign("unsaved");
  refuseOtherMachine(campaign.earlier, facts);
  if (campaign.folder !== "") keepEnvironment(campaign.folder, gatherEnvironment(cells));
  const ledger = new Ledger(campaign.earlier, cells);
  const todo = cells
    .map((cell) => missingOf(cell, ledger, energyRepeatsOf(energy), precision))
    .filter((one) => rowsOf(one) > 0);
  const seed = orderSeed(options.orderSeed, campaign.earlier);
  const batches = schedule(todo, order, seed, sharing ?? "model");
  const progress = options.progress === "none" ? silentProgress : showProgress(totalWork(batches.flat()));
  const { line } = progress;
  using button = await stopButton(options.signal, () => {
    line("stopping after the step in flight; asked again, the cell ends at once");
  });
  const { signal } = button;
  const logs = campaign.folder === "" ? null : join(campaign.folder, "logs");
  try {
    await drive(batches, {
      campaign,
      ledger,
      orderSeed: order === "blocks" ? seed : null,
      bisect: options.bisect ?? false,
      precision,
      remeasure,
      facts: (ep) => facts.get(ep)!,
      rest: (ep, first) => coolDown(options, ep, first, { thermometer, line, signal }),
      line,
      measure: async (batch, reports) => {
        const sweep: Sweep = {
          ...reports,
          warmUp: { ...WARM_UP[batch[0]!.cell.ep], ...options.warmUp },
          energy: energy && { settings: energy, find: options.findEnergy ?? findEnergySource },
          precision,
          watch: options.watch ?? watchConditions,
          progress,
          signal,
        };
        if (sharing !== null) return await measureIsolated(batch, sweep, { ...options, logs });
        await measureModel(batch, sweep);
        return [];
      },
    });
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError")
      throw new InterruptedError((interrupted = rowsToTable(markSuperseded(ledger.rows))));
    throw error;
  } finally {
    progress.stop();
  }
  return rowsToTable(markSuperseded(ledger.rows));
}

/** Who shares a process; null where all are measured in this one. */
function sharingOf(cells: readonly AnyCell[], { isolate: wanted, timeoutS }: SweepOptions): Sharing | null {
  const isolate = oneOf("isolate", wanted ?? "auto", ["auto", "cell", "model", "none"] as const);
  if (timeoutS !== undefined && !(timeoutS > 0))
    throw new UserError(`the time limit is ${timeoutS} s; it must be above 0`);
  if (isolate === "none" && timeoutS !== undefined)
    throw new UserError("a time limit needs cells in processes of their own; use --isolate cell or model");
  if (isolate !== "auto") return isolate === "none" ? null : isolate;
  const apart = cells.some(({ ep, memoryBytes }) => !ROBUST.includes(ep) || memoryBytes !== null);
  return apart || timeoutS !== undefined ? "cell" : null;
}

/** The seed that is wanted, or that of the campaign that goes on, or a new one. */
function orderSeed(wanted: number | undefined, earlier: readonly Row[]): number {
  if (wanted !== undefined) return count("the seed of the order", wanted, 0);
  return earlier.find(({ order_seed }) => order_seed != null)?.order_seed ?? randomInt(2 ** 31);
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

export function refuseOtherMachine(
  earlier: readonly Row[],
  facts: ReadonlyMap<Ep, Pick<DeviceFacts, "columns">>,
): void {
  for (const row of earlier) {
    // Of a processor that this sweep does not use, only the machine is looked at.
    const here: Row = facts.get(row.ep as Ep)?.columns ?? softwareFacts();
    const name = ONE_CAMPAIGN.find(
      (column) => row[column] != null && row[column] !== (here[column] ?? row[column]),
    );
    if (name)
      throw new UserError(
        `the campaign was measured with ${name} ${row[name]}, and here it is ${here[name]}; choose another folder (--out)`,
      );
  }
}
