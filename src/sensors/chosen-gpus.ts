import { UserError } from "../errors.js";
import { matchGpu, type CudaSession, type GpuMatch, type KnownGpu } from "./match-gpu.js";
import { nvmlGpus } from "./nvml/gpus.js";

/** Which GPUs are read for the energy of some work. */
export interface ChosenGpus {
  /** UUIDs of whole GPUs; null: all that there are. */
  readonly uuids: readonly string[] | null;
  /** What makes their joules doubtful as those of the work, in a sentence without its full stop; else null. */
  readonly doubt: string | null;
  /** One sentence why none is to be read, else null. */
  readonly reason: string | null;
}

/** Every GPU that there is. */
export const ALL_GPUS: ChosenGpus = { uuids: null, doubt: null, reason: null };

/**
 * The GPU of a session.
 *
 * @param list the GPUs that NVML lists
 */
export function gpusOfSession(session: CudaSession, list: () => readonly KnownGpu[] = nvmlGpus): ChosenGpus {
  let gpus: readonly KnownGpu[];
  try {
    gpus = list();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // Where nvidia-smi stands in for NVML, it takes CUDA's UUID.
    return { uuids: session.uuid == null ? null : [session.uuid], doubt: null, reason: null };
  }
  return gpusOfMatches([matchGpu(session, gpus)]);
}

/** Those that were matched, each once, or why one was not. */
export function gpusOfMatches(matches: readonly GpuMatch[]): ChosenGpus {
  const lost = matches.find(({ uuid }) => uuid === null);
  if (lost) return { uuids: [], doubt: null, reason: lost.reason };
  const slices = matches.flatMap((match) => sliceOf(match) ?? []);
  return {
    uuids: [...new Set(matches.map(({ uuid }) => uuid!))],
    doubt: slices.length === 0 ? null : [...new Set(slices)].join("; "),
    reason: null,
  };
}

/** Of a GPU that is cut up, power and energy are told of the whole only. */
function sliceOf({ uuid, migUuid, reason }: GpuMatch): string | null {
  const whole = `the energy is of the whole GPU ${uuid!}`;
  if (migUuid !== null) return `${whole}, of which the MIG slice ${migUuid} is a part`;
  return reason === null ? null : `${whole}, which is cut into MIG slices`;
}
