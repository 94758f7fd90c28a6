import type { Row, VerdictCode } from "../record/index.js";
import type { FoundSource, Wanted } from "../sensors/energy/find-source.js";
import {
  measurePhases,
  type EnergyOptions,
  type Phase,
  type PhaseEnergy,
} from "../sensors/energy/measure-energy.js";
import type { CudaSession } from "../sensors/match-gpu.js";
import { conditionProblems, windowConditions } from "../sensors/window-conditions.js";
import { UserError } from "../errors.js";
import type { Measured } from "./loaded.js";
import type { AnyCell } from "./plan.js";
import { energyPhases } from "./work.js";

/** How the energy of a cell is measured. */
export interface EnergySettings extends Omit<
  EnergyOptions,
  "source" | "reason" | "clock" | "sleep" | "signal"
> {
  /** Samples of every phase. Default 1. */
  repeats?: number;
}

/** How energy is measured in a sweep, and where its sensor is found. */
export interface EnergySweep {
  readonly settings: EnergySettings;
  readonly find: (wanted: Wanted) => Promise<FoundSource>;
}

export function energyOf(wanted: boolean | EnergySettings | undefined): EnergySettings | null {
  const settings = wanted === true ? {} : wanted || null;
  const { repeats = 1 } = settings ?? {};
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new UserError(`the repeats of the energy are ${repeats}; they must be a whole number of 1 or more`);
  return settings;
}

/** Samples of every phase of a cell; none where no energy is measured. */
export const energyRepeatsOf = (settings: EnergySettings | null): number =>
  settings ? (settings.repeats ?? 1) : 0;

/**
 * One sample of a cell's energy: a row each of the prefill, of decoding, and of both. Without a sensor they are skipped, with
 * the reason. `verdict_reasons` hold what speaks against them alone.
 */
export async function energyRows(
  generator: Measured,
  cell: AnyCell,
  prompt: BigInt64Array,
  session: CudaSession | null,
  { settings, find }: EnergySweep,
  signal: AbortSignal | undefined,
): Promise<(Row & { verdict_reasons: VerdictCode[] })[]> {
  const found = await find({ of: cell.ep === "cpu" ? "cpu" : "gpu", session });
  const { source, sensor, reason } = found;
  if (source === null)
    return energyPhases(cell).map((phase) => ({
      ...phaseColumns(phase),
      status: "skipped",
      status_reason: reason,
      verdict_reasons: [],
    }));
  try {
    const { repeats: _, ...options } = settings;
    const energies = await measurePhases(phasesOf(generator, cell, prompt, signal), {
      ...options,
      source,
      ...(signal && { signal }),
    });
    return energies.map((energy) => energyColumns(energy, sensor));
  } finally {
    await source.close();
  }
}

/** What is repeated to fill a window. Decoding goes back to the end of the prompt that the prefill left. */
function phasesOf(
  generator: Measured,
  { batch, promptTokens, newTokens }: AnyCell,
  prompt: BigInt64Array,
  signal: AbortSignal | undefined,
): Phase[] {
  const prefill = (): Promise<unknown> => generator.prefill(prompt, signal);
  const decode = async (): Promise<void> => {
    for (let token = 1; token < newTokens; token++) await generator.step();
  };
  const phases: Record<ReturnType<typeof energyPhases>[number], Omit<Phase, "name">> = {
    prefill: { run: prefill, units: batch * promptTokens },
    decode: {
      run: () => {
        generator.rewind();
        return decode();
      },
      units: batch * (newTokens - 1),
    },
    both: {
      run: async () => {
        await prefill();
        await decode();
      },
      units: batch * (promptTokens + newTokens),
    },
  };
  return energyPhases({ newTokens }).map((name) => ({ name, ...phases[name] }));
}

const phaseColumns = (phase: string): Row => ({ kind: "energy", phase, method: "energy_window" });

function energyColumns(energy: PhaseEnergy, sensor: string): Row & { verdict_reasons: VerdictCode[] } {
  const { method, reason, witness, repetitions } = energy;
  const warnings = [...energy.warnings, ...conditionsAgainst(energy)];
  const each = (joules: number | null | undefined): number | null =>
    joules == null ? null : joules / repetitions;
  return {
    ...phaseColumns(energy.phase),
    ...(method !== null && { method: `${method}_window` }),
    status: reason === null ? "ok" : "skipped",
    status_reason: reason,
    energy_j: energy.perRunJ,
    energy_error_j: energy.perRunErrorJ,
    energy_net_j: energy.perRunNetJ,
    energy_net_error_j: each(energy.netErrorJ),
    energy_per_token_j: energy.perUnitJ,
    energy_witness_j: each(witness?.grossJ),
    energy_source: sensor,
    energy_note: warnings.length > 0 ? warnings.join("; ") : null,
    energy_passes: repetitions,
    energy_window_ms: energy.durationMs,
    mean_power_w: energy.meanW,
    idle_before_w: energy.idleBeforeW,
    idle_after_w: energy.idleAfterW,
    temperature_before_c: energy.temperatureBeforeC,
    temperature_after_c: energy.temperatureAfterC,
    verdict_reasons: warnings.length > 0 ? ["energy_doubtful"] : [],
  };
}

/** What throttled the device in the window, or ran on it beside us; of several devices, that others are counted with it. */
function conditionsAgainst({ samples, window }: PhaseEnergy): string[] {
  const devices = new Set(samples.map(({ device }) => device)).size;
  if (devices === 0) return [];
  if (devices > 1)
    return [`the energy is of ${devices} devices together, as it is not known which of them ran the model`];
  return conditionProblems(windowConditions(samples, { from_ms: window.startMs, to_ms: window.endMs }));
}

/** A sample of a cell's energy in a line: of each phase, or why there is none. */
export function energyLine(rows: readonly Row[]): string {
  const told = rows.filter(({ energy_j }) => energy_j != null);
  if (told.length === 0) return `no energy: ${rows[0]?.status_reason ?? "no sensor answers"}`;
  return told.map(({ phase, energy_j }) => `${phase} ${energy_j!.toPrecision(3)} J`).join(", ");
}
