import type { NvmlGpu } from "./nvml/gpus.js";

/** A device as CUDA numbers it in this process, and what CUDA tells of it. */
export interface CudaSession {
  deviceId: number;
  /** As `Device.cuda.uuid`; of a MIG instance, the instance's. */
  uuid?: string | null;
  /** `0000:01:00.0` */
  pciBusId?: string | null;
}

/** What decides which GPUs CUDA shows, and in which order. Default: this process's. */
export interface CudaEnvironment {
  CUDA_VISIBLE_DEVICES?: string | undefined;
  CUDA_DEVICE_ORDER?: string | undefined;
}

/** The GPU of a session, or why it is unknown. */
export interface GpuMatch {
  /** Of the whole GPU; null where it is unknown. */
  uuid: string | null;
  /** Of the MIG instance, where the session runs on one: power and energy are still those of the whole GPU. */
  migUuid: string | null;
  /** One sentence why it is unknown, else null. */
  reason: string | null;
}

/** What is known of a GPU without a CUDA context. */
export type KnownGpu = Pick<NvmlGpu, "uuid" | "pciBusId" | "migUuids">;

/**
 * The GPU of NVML's list that a session runs on: by its UUID or PCI bus where CUDA tells them, else by
 * CUDA_VISIBLE_DEVICES. Numbers alone say nothing, as NVML counts by PCI bus and CUDA, unless CUDA_DEVICE_ORDER is
 * PCI_BUS_ID, by a guess at the speed. Source: CUDA programming guide, "CUDA environment variables".
 *
 * @param gpus every GPU that NVML lists, in its order
 */
export function matchGpu(
  session: CudaSession,
  gpus: readonly KnownGpu[],
  environment: CudaEnvironment = process.env,
): GpuMatch {
  const match = byUuid(session, gpus) ?? byPciBus(session, gpus);
  if (match !== null) return match;
  const told = session.uuid ?? session.pciBusId ?? null;
  return told === null
    ? byEnvironment(session, gpus, environment)
    : unknown(`CUDA device ${session.deviceId} (${told}) is not among the GPUs that NVML lists.`);
}

/**
 * The GPU of every device that CUDA_VISIBLE_DEVICES shows to a program of this environment, in CUDA's order; null where
 * it is not set, and all are shown.
 */
export function visibleGpus(
  gpus: readonly KnownGpu[],
  environment: CudaEnvironment = process.env,
): GpuMatch[] | null {
  const entries = visibleEntries(environment);
  if (entries === null) return null;
  const end = entries.findIndex((entry) => !isEntry(entry) || Number(entry) >= gpus.length);
  const shown = end < 0 ? entries : entries.slice(0, end);
  return shown.map((_, deviceId) => matchGpu({ deviceId }, gpus, environment));
}

const visibleEntries = ({ CUDA_VISIBLE_DEVICES }: CudaEnvironment): string[] | null =>
  CUDA_VISIBLE_DEVICES?.split(",").map((entry) => entry.trim()) ?? null;

/** CUDA takes the list up to the first entry that it does not know, an empty one or -1 included. */
const isEntry = (entry: string): boolean => /^(\d+|(GPU|MIG)-[\w/-]+)$/i.test(entry);

const found = (uuid: string, migUuid: string | null = null): GpuMatch => ({ uuid, migUuid, reason: null });
const unknown = (reason: string): GpuMatch => ({ uuid: null, migUuid: null, reason });

/** Without what names its kind, as CUDA tells 16 bytes only. */
const digits = (uuid: string): string => uuid.replace(/^(GPU|MIG)-/, "").toLowerCase();

function byUuid({ uuid }: CudaSession, gpus: readonly KnownGpu[]): GpuMatch | null {
  if (uuid == null) return null;
  for (const gpu of gpus) {
    if (digits(gpu.uuid) === digits(uuid)) return found(gpu.uuid);
    const instance = gpu.migUuids?.find((mig) => digits(mig) === digits(uuid));
    if (instance !== undefined) return found(gpu.uuid, instance);
  }
  return null;
}

function byPciBus({ pciBusId }: CudaSession, gpus: readonly KnownGpu[]): GpuMatch | null {
  if (pciBusId == null) return null;
  const gpu = gpus.find((known) => known.pciBusId !== null && busOf(known.pciBusId) === busOf(pciBusId));
  return gpu ? found(gpu.uuid) : null;
}

/** `00000000:1B:00.0` and `0000:1b:00.0` are one. */
const busOf = (id: string): string => id.toLowerCase().replace(/^0+(?=[0-9a-f]*:)/, "");

function byEnvironment(
  { deviceId }: CudaSession,
  gpus: readonly KnownGpu[],
  environment: CudaEnvironment,
): GpuMatch {
  const { CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER } = environment;
  const visible = visibleEntries(environment);
  const entry = visible === null ? String(deviceId) : visible[deviceId];
  const setting =
    visible === null ? "CUDA_VISIBLE_DEVICES is not set" : `CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES!}"`;
  const before = visible?.slice(0, deviceId + 1) ?? [];
  if (entry === undefined || !before.every(isEntry))
    return unknown(`CUDA device ${deviceId} is not there: ${setting}.`);
  if (/^MIG-/i.test(entry)) return byMig(entry, gpus, setting);
  if (/^GPU-/i.test(entry)) {
    const matching = gpus.filter(({ uuid }) => uuid.toLowerCase().startsWith(entry.toLowerCase()));
    return matching.length === 1
      ? found(matching[0]!.uuid)
      : unknown(`CUDA device ${deviceId} is unknown: ${matching.length} GPUs of NVML begin with ${entry}.`);
  }
  return byNumber(Number(entry), deviceId, gpus, CUDA_DEVICE_ORDER, setting);
}

/** `MIG-<uuid>`, or of drivers before 470 `MIG-GPU-<uuid>/<GPU instance>/<compute instance>`. */
function byMig(entry: string, gpus: readonly KnownGpu[], setting: string): GpuMatch {
  const parent = /^MIG-(GPU-[\w-]+)\/\d+\/\d+$/i.exec(entry)?.[1];
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  for (const gpu of gpus) {
    if (parent !== undefined && same(gpu.uuid, parent)) return found(gpu.uuid, entry);
    const instances = gpu.migUuids?.filter((mig) => mig.toLowerCase().startsWith(entry.toLowerCase())) ?? [];
    if (instances.length === 1) return found(gpu.uuid, instances[0]);
  }
  return unknown(`The MIG instance of ${setting} is not among those that NVML lists.`);
}

function byNumber(
  number: number,
  deviceId: number,
  gpus: readonly KnownGpu[],
  order: string | undefined,
  setting: string,
): GpuMatch {
  const byBus = order === "PCI_BUS_ID";
  const gpu = byBus || gpus.length === 1 ? gpus[number] : undefined;
  if (gpu && gpu.migUuids === null) return found(gpu.uuid);
  if (gpu?.migUuids?.length === 1) return found(gpu.uuid, gpu.migUuids[0]);
  if (gpu) return { ...found(gpu.uuid), reason: "Which of its MIG instances CUDA takes is unknown." };
  return unknown(
    number >= gpus.length
      ? `CUDA device ${deviceId} is not among the ${gpus.length} GPUs of NVML: ${setting}.`
      : `Which of ${gpus.length} GPUs CUDA device ${deviceId} is, is unknown: ${setting}, and CUDA's own order is by ` +
          `speed; set CUDA_DEVICE_ORDER=PCI_BUS_ID or name the GPU's UUID in CUDA_VISIBLE_DEVICES.`,
  );
}
