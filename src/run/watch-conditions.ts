import { UserError } from "../errors.js";
import type { Row } from "../record/index.js";
import { gpu } from "../sensors/gpu.js";
import {
  hostConditions,
  hostSnapshot,
  type HostConditions,
  type HostSnapshot,
} from "../sensors/host-conditions.js";
import { matchGpu } from "../sensors/match-gpu.js";
import { nvmlGpus } from "../sensors/nvml/gpus.js";
import { startSampler, type Sampler } from "../sensors/sampler.js";
import type { SourceSpec } from "../sensors/sources.js";
import { windowConditions, type WindowConditions } from "../sensors/window-conditions.js";
import type { Ep } from "./plan.js";
import { VERDICT_LIMITS } from "./verdict.js";

/** Under which conditions a sample was taken. */
export interface Conditions {
  readonly gpu: WindowConditions | null;
  readonly host: HostConditions | null;
}

/** What goes on beside a cell while it is measured. */
export interface Watch {
  /** From then until now. A window that is too short for a sensor begins earlier, in the runs before. */
  since(at_ms: number): Promise<Conditions>;
  stop(): Promise<void>;
}

/** Whose processor is watched. */
export interface Watched {
  readonly ep: Ep;
  readonly deviceId: number | null;
  /** As CUDA tells it. */
  readonly uuid: string | null;
}

/** Starts to watch what a cell runs on. What cannot be watched is null, and no failure. */
export const watchConditions = async (watched: Watched): Promise<Watch> =>
  watched.ep === "cpu" ? watchHost() : await watchSource(await sourceOf(watched));

/** A CPU is looked at between samples only: a thread that samples would take its time from what is measured. */
export function watchHost(snapshot: () => HostSnapshot = hostSnapshot): Watch {
  const past = [snapshot()];
  return {
    since: (at_ms) => {
      const now = snapshot();
      const latest = Math.min(at_ms, now.at_ms - VERDICT_LIMITS.shortestHostWindowMs);
      const from = past.findLast((one) => one.at_ms <= latest) ?? past[0]!;
      past.push(now);
      return Promise.resolve({ gpu: null, host: hostConditions(from, now) });
    },
    stop: () => Promise.resolve(),
  };
}

/** How often a GPU's clocks, temperature and slowdowns are read; power is of no interest here. */
const INTERVAL_MS = 100;
/** Processes are read once a second: a window must hold such a reading. */
const LEAST_MS = 1200;

/** Reads a sensor of the GPU on a thread of its own; null for everything where it cannot be opened. */
export async function watchSource(source: SourceSpec): Promise<Watch> {
  const sampler = await started(source);
  if (!sampler) return NOTHING;
  const begun = performance.now();
  return {
    since: async (at_ms) => {
      const from_ms = Math.max(begun, Math.min(at_ms, performance.now() - LEAST_MS));
      return { gpu: conditionsOf(await sampler.since(from_ms), at_ms), host: null };
    },
    stop: async () => {
      await sampler.stop();
    },
  };
}

/** Fewer readings of the clock than this are noise. */
const LEAST_READINGS = 3;

/**
 * Of several devices it is not known which of them ran the model. Clocks are those since `at_ms` where that is long enough:
 * what ran before the sample had others.
 */
function conditionsOf(
  samples: Awaited<ReturnType<Sampler["since"]>>,
  at_ms: number,
): WindowConditions | null {
  if (new Set(samples.map(({ device }) => device)).size > 1) return null;
  const [whole, own] = [windowConditions(samples), windowConditions(samples, { from_ms: at_ms })];
  return (own.gpuClockMhz?.readings ?? 0) < LEAST_READINGS
    ? whole
    : { ...whole, gpuClockMhz: own.gpuClockMhz };
}

const NOTHING: Watch = {
  since: () => Promise.resolve({ gpu: null, host: null }),
  stop: () => Promise.resolve(),
};

/** The GPU by NVML, or the module of a Jetson, whose NVML tells nothing. */
async function sourceOf({ deviceId, uuid }: Watched): Promise<SourceSpec> {
  const { devices } = await gpu().discover();
  if (devices.length === 0) return { source: "tegrastats", intervalMs: INTERVAL_MS };
  const known = uuidOf(deviceId ?? 0, uuid);
  return { source: "gpu", intervalMs: INTERVAL_MS, ...(known !== null && { gpus: [known] }) };
}

function uuidOf(deviceId: number, uuid: string | null): string | null {
  try {
    return matchGpu({ deviceId, uuid }, nvmlGpus()).uuid;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** What a sensor warns of is that it does not tell something, which is null then. */
async function started(source: SourceSpec): Promise<Sampler | null> {
  try {
    return await startSampler({ sources: [source], onWarning: () => undefined });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** What a row says of the conditions. */
export const conditionColumns = ({ gpu: of, host }: Conditions): Row => ({
  gpu_clock_mhz: of?.gpuClockMhz?.mean ?? null,
  gpu_temperature_c: of?.temperatureC?.max ?? null,
  power_cap_pct: of?.powerCapShare == null ? null : 100 * of.powerCapShare,
  foreign_processes: of?.foreignProcesses ?? null,
  foreign_cpus:
    host !== null && host.durationMs >= VERDICT_LIMITS.shortestHostWindowMs ? host.foreignCpus : null,
});
