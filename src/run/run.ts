import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { randomPrompt } from "../models/index.js";
import { openRuntime } from "../ort/index.js";
import { machineFacts, rowsToTable, type Row } from "../record/index.js";
import { memoryCampaign, openCampaign } from "./campaign.js";
import { Generator } from "./generator.js";
import { LoadedModel } from "./loaded-model.js";
import { performanceClock, sample, warmUp, type WarmUpOptions } from "./measure.js";
import { plan, type Cell, type Settings } from "./plan.js";
import { showProgress, silentProgress, type Progress } from "./progress.js";
import {
  cellColumns,
  deviceColumns,
  failureColumns,
  memoryColumns,
  sampleColumns,
  verdictColumns,
} from "./rows.js";

export interface RunOptions extends Settings {
  /** Folder of the campaign; rows are appended to its rows.jsonl as they come. Without it they are only returned. */
  out?: string;
  /** Go on with the campaign in `out`: cells that are complete are not measured again. */
  resume?: boolean;
  /** Stops after the generation in flight; complete rows stay, and the table so far is in the error's `table`. */
  signal?: AbortSignal;
  /** A bar or lines on stderr (default), or nothing. */
  progress?: "auto" | "none";
  warmUp?: Partial<WarmUpOptions>;
}

/** Warm-up ends when two times to first token in a row differ by less than this. */
const WARM_UP: WarmUpOptions = { tolerance: 0.05, maxRuns: 4 };

/** The sweep was stopped from outside; what was measured before is in `table`. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  constructor(readonly table: ColumnTable) {
    super(`interrupted; ${table.numRows()} complete rows are kept`);
  }
}

/**
 * Measures every model at every prompt length on this machine and returns one row a sample (columns: schema.ts),
 * rows of an earlier, resumed campaign included. Weights are seeded random numbers: speed and memory do not depend on
 * them, and every row says so.
 *
 * Throws UserError for settings that make no sense, before anything is measured. Running out of memory is a row.
 */
export async function run(options: RunOptions): Promise<ColumnTable> {
  const cells = plan(options);
  const campaign = options.out
    ? openCampaign(options.out, options.resume ?? false)
    : memoryCampaign("unsaved");
  const rows = [...campaign.earlier];
  const here: Row = { ...machineFacts(), ort_version: openRuntime().version };
  refuseOtherMachine(rows, here);
  const todo = cells
    .map((cell) => ({ cell, repeats: missingRepeats(cell, rows) }))
    .filter(({ repeats }) => repeats.length > 0);
  const sweep: Sweep = {
    add: (row) => {
      rows.push(row);
      campaign.add(row);
    },
    common: { campaign: campaign.name, ...here },
    warmUp: { ...WARM_UP, ...options.warmUp },
    progress: options.progress === "none" ? silentProgress : showProgress(totalWork(todo)),
    signal: options.signal,
  };
  try {
    for (const model of new Set(todo.map(({ cell }) => cell.model)))
      await measureModel(
        todo.filter(({ cell }) => cell.model === model),
        sweep,
      );
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw new InterruptedError(rowsToTable(rows));
    throw error;
  } finally {
    sweep.progress.stop();
  }
  return rowsToTable(rows);
}

/** A cell and the indices of its samples that are still to be taken. */
interface Todo {
  readonly cell: Cell;
  readonly repeats: readonly number[];
}

/** What all cells of a sweep share. */
interface Sweep {
  readonly add: (row: Row) => void;
  readonly common: Row;
  readonly warmUp: WarmUpOptions;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** What must not change in the middle of a campaign: its rows would be compared as if nothing had. */
const ONE_CAMPAIGN = [
  "host",
  "cpu_model",
  "ort_version",
  "ssm_scope_version",
] as const satisfies (keyof Row)[];

function refuseOtherMachine(earlier: readonly Row[], here: Row): void {
  for (const name of ONE_CAMPAIGN) {
    const other = earlier.find((row) => row[name] != null && row[name] !== here[name]);
    if (other)
      throw new UserError(
        `the campaign was measured with ${name} ${other[name]}, and here it is ${here[name]}; choose another folder (--out)`,
      );
  }
}

function missingRepeats(cell: Cell, rows: readonly Row[]): number[] {
  const mine = rows.filter((row) => row.cell === cell.key);
  if (mine.some((row) => row.status === "oom")) return [];
  const have = new Set(mine.filter((row) => row.status === "ok").map((row) => row.repeat));
  return Array.from({ length: cell.repeats }, (_, i) => i).filter((i) => !have.has(i));
}

/** Warm-up runs that a cell is expected to need, for the time left. */
const EXPECTED_WARM_UP = 2;

/** How long a generation takes in units of a prompt token: a decoded token is some ten times as slow on a CPU. */
const generationWork = ({ promptTokens, newTokens }: Cell): number => promptTokens + 10 * newTokens;

const totalWork = (todo: readonly Todo[]): number =>
  todo.reduce(
    (sum, { cell, repeats }) => sum + (EXPECTED_WARM_UP + repeats.length) * generationWork(cell),
    0,
  );

/** Measures the cells of one model over one set of weights. */
async function measureModel(todo: readonly Todo[], sweep: Sweep): Promise<void> {
  using loaded = new LoadedModel(
    openRuntime(),
    todo.map(({ cell }) => cell),
  );
  for (const { cell, repeats } of todo) {
    const columns: Row = {
      ...cellColumns(cell),
      device: sweep.common.cpu_model ?? "cpu",
      ...sweep.common,
      ...deviceColumns(loaded.device),
    };
    const add = (row: Row): void => {
      sweep.add({ ...columns, measured_at: new Date().toISOString(), ...row });
    };
    try {
      await measureCell(cell, repeats, loaded, sweep, add);
    } catch (error) {
      sweep.signal?.throwIfAborted();
      const status = failureColumns(error);
      if (!status) throw error;
      add(status);
      sweep.progress.line(`${cell.model.name}, ${cell.promptTokens} tokens: ${status.status_reason}`);
    }
  }
}

async function measureCell(
  cell: Cell,
  repeats: readonly number[],
  loaded: LoadedModel,
  { warmUp: warmUpOptions, progress, signal }: Sweep,
  add: (row: Row) => void,
): Promise<void> {
  using generator = new Generator(cell, loaded);
  const { promptTokens, newTokens, batch, seed, model } = cell;
  const name = `${model.name}, ${promptTokens} tokens`;
  const prompt = randomPrompt(promptTokens, batch, model.config.vocab_size, seed);
  progress.step(0, `${name}: warming up`);
  const warm = await warmUp(generator, prompt, newTokens, performanceClock, warmUpOptions, signal);
  progress.step(EXPECTED_WARM_UP * generationWork(cell), `${name}: warm`);
  const ttfts: number[] = [];
  for (const repeat of repeats) {
    const times = await sample(generator, prompt, newTokens, performanceClock, signal);
    add({
      repeat,
      ...sampleColumns(cell, times),
      ...memoryColumns(generator, loaded),
      cuda_graph: loaded.device.ep === "cpu" ? null : generator.cudaGraph,
      ...verdictColumns(cell, warm),
    });
    ttfts.push(times.ttftMs);
    progress.step(generationWork(cell), `${name}: TTFT ${times.ttftMs.toFixed(0)} ms`);
  }
  progress.line(`${name}: TTFT ${Math.min(...ttfts).toFixed(1)} to ${Math.max(...ttfts).toFixed(1)} ms`);
}
