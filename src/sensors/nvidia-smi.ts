import { execFile } from "node:child_process";
import { UserError } from "../errors.js";
import { excerpt } from "./lines.js";
import { checkCommand, isProgram, openLineProcess } from "./line-process.js";
import { nvidiaSmiColumns, nvidiaSmiReader } from "./nvidia-smi-reader.js";
import type { Sensor } from "./sensor.js";

/** How often, and by which program. */
export interface NvidiaSmiOptions {
  /** How nvidia-smi is started; its arguments are added. Default: from the path. */
  command?: readonly string[];
  /** UUIDs of the GPUs to read. Default: all. */
  gpus?: readonly string[];
  /** Default: 100, and no less is given: most GPUs renew their readings that often, and the program takes as long to tell them. */
  intervalMs?: number;
  /** Without a reading for so long, it is reported as silent. Default: five intervals, 10 s at least. */
  silentAfterMs?: number;
}

const FASTEST_MS = 100;

/** What is asked, and what an older driver calls it. */
const FIELDS: readonly (readonly [field: string, older?: string])[] = [
  ["uuid"],
  ["power.draw.instant"],
  ["power.draw.average"],
  ["power.draw"],
  ["enforced.power.limit"],
  ["memory.used"],
  ["memory.total"],
  ["utilization.gpu"],
  ["utilization.memory"],
  ["clocks.sm"],
  ["clocks.mem"],
  ["temperature.gpu"],
  ["temperature.memory"],
  ["clocks_event_reasons.active", "clocks_throttle_reasons.active"],
];

/**
 * NVIDIA GPUs by the driver's program, which runs as a child process from `open` to `close`: for where NVML cannot be
 * loaded. It tells neither the energy counter nor the processes.
 */
export function nvidiaSmi({
  command = ["nvidia-smi"],
  gpus,
  intervalMs = FASTEST_MS,
  silentAfterMs = Math.max(5 * intervalMs, 10_000),
}: NvidiaSmiOptions = {}): Sensor {
  const [program, ...before] = checkCommand(command, "nvidia-smi", "nvidia-smi");
  if (!Number.isInteger(intervalMs) || intervalMs < 1)
    throw new UserError(
      `The interval of nvidia-smi is ${intervalMs}; it must be whole milliseconds, 1 or more.`,
    );
  const chosen = gpus ? [`--id=${gpus.join(",")}`] : [];
  const ask = (fields: readonly string[]): string[] => [
    ...before,
    `--query-gpu=${fields.join(",")}`,
    "--format=csv",
    ...chosen,
  ];
  return {
    source: "nvidia-smi",
    discover: async () => {
      if (!isProgram(program)) return { devices: [], reason: missing(program) };
      const { rows, said } = await answerOf(program, ask(["uuid"]));
      return rows.length > 0
        ? { devices: rows, reason: null }
        : { devices: [], reason: `${program} lists no GPU; it says ${excerpt(said)}.` };
    },
    async open(options = {}) {
      if (!isProgram(program)) throw new UserError(missing(program));
      const fields = await knownFields(program, ask);
      const { onWarning = console.warn } = options;
      if (intervalMs < FASTEST_MS)
        onWarning(
          `nvidia-smi is read every ${FASTEST_MS} ms and not every ${intervalMs}: it tells no more often.`,
        );
      return openLineProcess(
        {
          command: [program, ...ask(fields), `--loop-ms=${Math.max(FASTEST_MS, intervalMs)}`],
          reader: nvidiaSmiReader(),
          isHeader: (line) => nvidiaSmiColumns(line) !== null,
          silentAfterMs,
          missing: missing(program),
        },
        options,
      );
    },
  };
}

const missing = (program: string): string =>
  `${program} is not on this machine: it comes with NVIDIA's driver (in a container, with GPU access).`;

/** One field that a driver does not know makes it answer nothing but that field's name. */
async function knownFields(program: string, ask: (fields: readonly string[]) => string[]): Promise<string[]> {
  let fields = FIELDS.map(([field]) => field);
  for (;;) {
    const { rows, said } = await answerOf(program, ask(fields));
    if (rows.length > 0) return fields;
    const unknown = /Field "([^"]+)" is not a valid field/.exec(said)?.[1];
    if (unknown === undefined || !fields.includes(unknown))
      throw new UserError(`${program} lists no GPU; it says ${excerpt(said)}.`);
    const older = FIELDS.find(([field]) => field === unknown)?.[1];
    fields = fields.flatMap((field) => (field !== unknown ? field : (older ?? [])));
  }
}

/** The rows below the header, and all that was printed. */
function answerOf(program: string, args: readonly string[]): Promise<{ rows: string[]; said: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { encoding: "utf8", timeout: 30_000 }, (error, stdout, stderr) => {
      const rows = stdout
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
      const said = [stdout, stderr].join(" ").trim() || (error?.message ?? "nothing");
      resolve({ rows: error ? [] : rows.slice(1), said });
    });
  });
}
