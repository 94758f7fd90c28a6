import type { PhaseEnergy } from "../../sensors/index.js";
import type { Ending } from "./run-command.js";

/** The energy of a command, for machines: names are those of the rows' columns. */
export function energyRecord(
  command: readonly string[],
  { code, signal }: Ending,
  sensor: string | null,
  energy: PhaseEnergy,
) {
  const { witness } = energy;
  return {
    command,
    exit_code: code,
    signal,
    duration_ms: energy.durationMs,
    energy_source: sensor,
    /** UUIDs of the GPUs that the joules are of, together; of another sensor it is empty. */
    devices: [...new Set(energy.samples.flatMap(({ device }) => device ?? []))],
    method: energy.method,
    energy_j: energy.grossJ,
    energy_error_j: energy.grossErrorJ,
    energy_net_j: energy.netJ,
    energy_net_error_j: energy.netErrorJ,
    mean_power_w: energy.meanW,
    idle_before_w: energy.idleBeforeW,
    idle_after_w: energy.idleAfterW,
    update_ms: energy.updateMs,
    energy_witness_j: witness?.grossJ ?? null,
    temperature_before_c: energy.temperatureBeforeC,
    temperature_after_c: energy.temperatureAfterC,
    status_reason: energy.reason,
    warnings: energy.warnings,
  };
}

export type EnergyRecord = ReturnType<typeof energyRecord>;

const METHODS: Record<string, string> = {
  energy_counter: "energy counter",
  integrated_power: "integrated power",
};

const line = (number: string, about: string): string => `${number.padStart(16)}  ${about}`;

const quantity = (value: number, unit: string): string =>
  `${value.toFixed(Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 3)} ${unit}`;

/** A number with the bound of its error, e.g. `812.3 J  ± 1.4 J`. */
function bounded(joules: number | null, errorJ: number | null, about: string): string[] {
  if (joules === null) return [];
  return [line(quantity(joules, "J"), `± ${quantity(errorJ ?? 0, "J")}`.padEnd(14) + about)];
}

/** `, of GPU-...`, or of several together. */
function ofDevices(devices: readonly string[]): string {
  const [one, another] = devices;
  if (one === undefined) return "";
  return another === undefined
    ? `, of ${one}`
    : `, of ${devices.length} devices together: ${devices.join(", ")}`;
}

/** The same for people. */
export function energyText(record: EnergyRecord): string {
  const { energy_j, idle_before_w: before, idle_after_w: after, mean_power_w, temperature_before_c } = record;
  const idle =
    before === null || after === null
      ? ""
      : ` of idle, ${before.toFixed(1)} W before, ${after.toFixed(1)} W after`;
  const degrees = (value: number | null): string => (value === null ? "?" : value.toFixed(0));
  return [
    "",
    `Energy of ${record.command.join(" ")}:`,
    "",
    ...(energy_j === null ? [line("unknown", record.status_reason ?? "")] : []),
    ...bounded(energy_j, record.energy_error_j, "gross"),
    ...bounded(record.energy_net_j, record.energy_net_error_j, `net${idle}`),
    ...(mean_power_w === null ? [] : [line(quantity(mean_power_w, "W"), "mean power")]),
    line(quantity(record.duration_ms / 1000, "s"), "elapsed"),
    ...(temperature_before_c === null
      ? []
      : [line(`${degrees(record.temperature_after_c)} °C`, `from ${degrees(temperature_before_c)} °C`)]),
    "",
    ...(record.method === null
      ? []
      : [
          `By ${record.energy_source ?? "?"}, ${METHODS[record.method]}, renewed every ${record.update_ms!.toFixed(0)} ms${ofDevices(record.devices)}.`,
        ]),
    ...(record.energy_witness_j === null || energy_j === null
      ? []
      : [`Second witness, integrated power: ${quantity(record.energy_witness_j, "J")}.`]),
    ...record.warnings.map((warning) => `Doubtful: ${warning}.`),
    "",
  ].join("\n");
}
