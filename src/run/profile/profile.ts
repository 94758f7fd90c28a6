import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { UserError } from "../../errors.js";
import { openRuntime } from "../../ort/index.js";
import { plainTable } from "../../profile/index.js";
import { rowsToTable } from "../../record/index.js";
import { memoryCampaign, openCampaign } from "../campaign.js";
import { deviceFacts } from "../device-facts.js";
import { gatherEnvironment } from "../environment/gather.js";
import { keepEnvironment } from "../environment/keep.js";
import type { Phase } from "../graph-options.js";
import { LoadedModel } from "../loaded-model.js";
import { count, oneOf, plan, type Cell, type Settings } from "../plan.js";
import { showProgress, silentProgress } from "../progress.js";
import { failureColumns } from "../rows.js";
import { InterruptedError, refuseOtherMachine, WARM_UP, type SweepOptions } from "../run.js";
import { timePassesApart, type Outcome } from "./own-process.js";
import { timePasses, type PassesJob } from "./passes.js";
import { profileCell, type Profiled, type ProfileRun } from "./profile-cell.js";
import { TraceFile } from "./trace-file.js";

/** What is profiled, and how. */
export interface ProfileOptions
  extends Omit<Settings, "repeats" | "cudaGraph">, Pick<SweepOptions, "signal" | "progress" | "warmUp"> {
  /** Default: both. */
  phase?: Phase | "both";
  /** Profiled passes of each phase, and as many without the profiler. Default 3. */
  passes?: number;
  /** Folder of a campaign: rows are appended to its rows.jsonl, beside what is there. Without it they are only returned. */
  out?: string;
  /** File for a trace that Perfetto shows. */
  trace?: string;
  /** `cell` times every cell in processes of their own, which a GPU always has; `auto` (default) and `none`: not on a CPU. */
  isolate?: "auto" | "cell" | "none";
}

/** A profile as tables. */
export interface ProfileResult {
  /** A row for each class of operators, as campaigns hold them. */
  readonly rows: ColumnTable;
  /** A row for each node of the graphs as they ran (NodeRow), with `model`, `prompt_tokens` and `phase`. */
  readonly nodes: ColumnTable;
  /** A row for each phase of each cell: ProfileRun. */
  readonly runs: ColumnTable;
}

/**
 * Where the time goes, by class of operators: runs the engine with ONNX Runtime's profiler, in passes that are never mixed
 * with timed samples, and says by how much these took longer. On a GPU, launches wait for their kernels in the profiled
 * passes and decode steps are not replayed as a graph; the unprofiled ones do not wait, and are no graph either.
 *
 * Throws UserError for settings that make no sense, before anything runs. What a cell could not do is a row.
 */
export async function profile(options: ProfileOptions): Promise<ProfileResult> {
  const phases = phasesOf(options);
  const passes = count("the number of passes", options.passes ?? 3);
  const isolate = oneOf("isolate", options.isolate ?? "auto", ["auto", "cell", "none"] as const);
  const cells = plan({ ...options, repeats: passes, ...(options.ep === "cuda" && { cudaGraph: "off" }) });
  const { ep } = cells[0]!;
  const facts = deviceFacts(cells, ep);
  using campaign = options.out === undefined ? memoryCampaign("unsaved") : openCampaign(options.out, true);
  refuseOtherMachine(campaign.earlier, new Map([[ep, facts]]));
  if (campaign.folder !== "") keepEnvironment(campaign.folder, gatherEnvironment(cells));
  const found: Profiled = { rows: [], nodes: [], runs: [] };
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-profile-"));
  const progress = options.progress === "none" ? silentProgress : showProgress(2 * cells.length);
  const tables = (): ProfileResult => ({
    rows: rowsToTable(found.rows),
    nodes: plainTable(found.nodes),
    runs: plainTable(found.runs),
  });
  try {
    using trace = options.trace === undefined ? null : new TraceFile(options.trace);
    using models = new Models(cells);
    for (const cell of cells) {
      const apart = cell.ep !== "cpu" || isolate === "cell";
      const logs = campaign.folder === "" ? null : join(campaign.folder, "logs");
      const measured = await profileCell(
        {
          cell,
          phases,
          passes,
          common: { campaign: campaign.name, ...facts.columns },
          warmUp: { ...WARM_UP[cell.ep], ...options.warmUp },
        },
        {
          folder,
          trace,
          progress,
          time: (job) =>
            apart
              ? timePassesApart(job, logs, options.signal)
              : timeHere(job, models.of(cell), options.signal),
        },
      );
      for (const row of measured.rows) campaign.add(row);
      found.rows.push(...measured.rows);
      found.nodes.push(...measured.nodes);
      found.runs.push(...measured.runs);
      for (const one of measured.runs) progress.line(runLine(one));
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw new InterruptedError(tables().rows);
    throw error;
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return tables();
}

function phasesOf({ phase = "both", newTokens = 16 }: ProfileOptions): Phase[] {
  const wanted = oneOf("the phase", phase, ["prefill", "decode", "both"] as const);
  if (wanted === "decode" && newTokens < 2)
    throw new UserError(
      `the number of new tokens is ${newTokens}, but the first is the prefill's; decoding needs 2 or more`,
    );
  if (wanted === "both") return newTokens < 2 ? ["prefill"] : ["prefill", "decode"];
  return [wanted];
}

/** Models of cells that run in this process: one at a time, loaded when it is first asked for. */
class Models implements Disposable {
  readonly #cells: readonly Cell[];
  #loaded: { readonly of: Cell["model"]; readonly model: LoadedModel } | null = null;

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  of({ model }: Cell): LoadedModel {
    if (this.#loaded?.of === model) return this.#loaded.model;
    this[Symbol.dispose]();
    const mine = this.#cells.filter((cell) => cell.model === model);
    this.#loaded = { of: model, model: new LoadedModel(openRuntime(), mine) };
    return this.#loaded.model;
  }

  [Symbol.dispose](): void {
    this.#loaded?.model[Symbol.dispose]();
    this.#loaded = null;
  }
}

async function timeHere(
  job: PassesJob,
  loaded: LoadedModel,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  try {
    return { passes: await timePasses(job, loaded, signal), status: null };
  } catch (error) {
    signal?.throwIfAborted();
    const status = failureColumns(error);
    if (!status) throw error;
    return { passes: null, status };
  }
}

function runLine({
  model,
  prompt_tokens,
  phase,
  status_reason,
  profiled_ms,
  inflation,
  sum_error_pct,
}: ProfileRun) {
  const what = `${model}, ${prompt_tokens} tokens, ${phase}`;
  if (profiled_ms === null) return `${what}: ${status_reason ?? "failed"}`;
  return `${what}: ${profiled_ms.toFixed(1)} ms profiled, ${inflation!.toFixed(2)} times the unprofiled, sums to ${(100 + sum_error_pct!).toFixed(1)} %`;
}
