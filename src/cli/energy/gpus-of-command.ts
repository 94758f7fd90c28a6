import { UserError } from "../../errors.js";
import { openDriver } from "../../ort/cuda/driver.js";
import {
  ALL_GPUS,
  gpusOfMatches,
  matchGpu,
  nvmlGpus,
  visibleGpus,
  type ChosenGpus,
  type CudaEnvironment,
  type GpuMatch,
  type KnownGpu,
} from "../../sensors/index.js";

/** What is known of the GPUs here. Either throws `UserError` where its library is not. */
export interface GpuLists {
  /** By NVML. */
  readonly all: () => readonly KnownGpu[];
  /** UUIDs of those that CUDA shows to this process, in its order; null where it tells none. */
  readonly cuda: () => readonly (string | null)[];
}

const HERE: GpuLists = {
  all: nvmlGpus,
  cuda: () => openDriver().devices.map(({ uuid }) => uuid),
};

/**
 * The GPUs whose energy is a command's: those of `--gpu`, else those that CUDA_VISIBLE_DEVICES shows to it, else all. Where
 * it is not known which these are, all, with the doubt. Throws `UserError` for a `--gpu` that is not here.
 */
export function gpusOfCommand(
  flag: string | undefined,
  environment: CudaEnvironment = process.env,
  lists: GpuLists = HERE,
): ChosenGpus {
  if (flag === "all") return ALL_GPUS;
  if (flag !== undefined) return gpusOfMatches(named(flag, lists.all()));
  const { CUDA_VISIBLE_DEVICES: visible } = environment;
  if (visible === undefined) return ALL_GPUS;
  const shown = tried(() => shownTo(environment, lists));
  if (typeof shown === "string") return { ...ALL_GPUS, doubt: `the energy is of all GPUs: ${shown}` };
  if (shown.length === 0)
    return { uuids: [], doubt: null, reason: `CUDA_VISIBLE_DEVICES="${visible}" shows no GPU.` };
  const chosen = gpusOfMatches(shown);
  if (chosen.reason === null) return chosen;
  return { ...ALL_GPUS, doubt: `the energy is of all GPUs: ${chosen.reason.replace(/\.$/, "")}` };
}

/** Numbers are those of nvidia-smi and NVML, in the order of the PCI bus. */
function named(flag: string, gpus: readonly KnownGpu[]): GpuMatch[] {
  return flag.split(",").map((entry) => {
    const uuid = /^\s*\d+\s*$/.test(entry) ? (gpus[Number(entry)]?.uuid ?? "none") : entry;
    const match = matchGpu({ deviceId: 0 }, gpus, { CUDA_VISIBLE_DEVICES: uuid });
    if (match.uuid !== null) return match;
    const listed = gpus.map(({ uuid }, number) => `${number} (${uuid})`).join(", ") || "none";
    throw new UserError(
      `--gpu names "${entry.trim()}", which is no GPU here, or more than one; NVML lists ${listed}.`,
    );
  });
}

/** Numbers in CUDA's own order, by speed, mean something to CUDA only. */
function shownTo(environment: CudaEnvironment, { all, cuda }: GpuLists): GpuMatch[] {
  const gpus = all();
  const told = visibleGpus(gpus, environment)!;
  if (told.every(({ uuid }) => uuid !== null)) return told;
  const ofCuda = tried(cuda);
  if (typeof ofCuda === "string") return told;
  return ofCuda.map((uuid, deviceId) => matchGpu({ deviceId, uuid }, gpus, environment));
}

/** What it gives, or why it gives nothing, without the full stop. */
function tried<T extends object>(give: () => T): T | string {
  try {
    return give();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.replace(/\.$/, "");
  }
}
