import { columnName, PowerSeries } from "./power-series.js";
import type { Reader, Warning } from "./reader.js";
import { parseTegrastatsLine, type Engine, type TegrastatsLine } from "./tegrastats-line.js";

/** Lines of tegrastats as readings. */
export function tegrastatsReader(): Reader {
  const power = new PowerSeries();
  return {
    read(text) {
      const line = parseTegrastatsLine(text);
      if (line === null || !isReading(line)) return null;
      const { values, warnings } = power.read(line.rails);
      const at = wallMs(line.stamp);
      return {
        device: null,
        wallMs: at,
        ...(at !== null && { wholeSeconds: true }),
        values: { ...values, ...tegrastatsValues(line) },
        warnings: [...warnings, ...prefixWarning(line.prefix)],
      };
    },
  };
}

/** Every release prints one of these; a lone `EPOCH 3/10` of a wrapper would pass for a rail. */
const isReading = (line: TegrastatsLine): boolean =>
  line.ram !== null || line.cores !== null || line.emc !== null || line.gpus.length > 0;

const prefixWarning = (prefix: string): Warning[] =>
  prefix === ""
    ? []
    : [
        [
          "prefix",
          `A wrapper writes ${JSON.stringify(prefix.slice(0, 60))} before tegrastats' lines: not read.`,
        ],
      ];

/**
 * The fields of a line but its rails, by names with units. What is printed but is no measurement is null: EMC's load
 * without a clock (0 for whoever is not root), PMIC's constant 50 or 100 degrees. Highest values since the process
 * started are left out: they are no readings of the moment.
 */
function tegrastatsValues(line: TegrastatsLine): Record<string, number | null> {
  const values: Record<string, number | null> = {};
  if (line.ram) {
    values.ram_used_bytes = line.ram.usedMib * MIB;
    values.ram_total_bytes = line.ram.totalMib * MIB;
  }
  if (line.swap) {
    values.swap_used_bytes = line.swap.usedMib * MIB;
    values.swap_total_bytes = line.swap.totalMib * MIB;
  }
  if (line.cores) {
    values.cpu_load_pct = meanLoad(line.cores);
    for (const [index, core] of line.cores.entries()) addEngine(values, `cpu${index}`, core);
  }
  if (line.emc) addEngine(values, "emc", line.emc.clockMhz === null ? null : line.emc);
  for (const { name, loadPct, clocksMhz } of line.gpus) {
    // Clusters share one clock, and a gated one prints 0: the highest is the GPU's.
    const clockMhz = clocksMhz === null ? null : Math.max(...clocksMhz);
    addEngine(values, name.startsWith("GR3D2") ? "gpu2" : "gpu", { loadPct, clockMhz });
  }
  for (const engine of line.engines) addEngine(values, columnName(engine.name.replace(/_FREQ$/, "")), engine);
  for (const { zone, celsius } of line.temperatures) {
    const name = `temperature_${columnName(zone)}_c`;
    if (!(name in values)) values[name] = isConstant(zone, celsius) ? null : celsius;
  }
  if (line.mts) {
    values.mts_foreground_pct = line.mts.foregroundPct;
    values.mts_background_pct = line.mts.backgroundPct;
  }
  return values;
}

const MIB = 2 ** 20;

function addEngine(values: Record<string, number | null>, name: string, engine: Engine | null): void {
  values[`${name}_load_pct`] = engine?.loadPct ?? null;
  values[`${name}_clock_mhz`] = engine?.clockMhz ?? null;
}

/** Over the cores that are on. */
function meanLoad(cores: readonly (Engine | null)[]): number | null {
  const loads = cores.flatMap((core) => core?.loadPct ?? []);
  return loads.length === 0 ? null : loads.reduce((sum, load) => sum + load, 0) / loads.length;
}

const isConstant = (zone: string, celsius: number | null): boolean =>
  zone === "PMIC" && (celsius === 50 || celsius === 100);

/** Null for a date that does not exist. */
function wallMs(stamp: string | null): number | null {
  if (stamp === null) return null;
  const [month, day, year, hour, minute, second] = stamp.split(/\D/).map(Number);
  const date = new Date(Date.UTC(year!, month! - 1, day, hour, minute, second));
  return date.getUTCMonth() + 1 === month && date.getUTCDate() === day ? date.getTime() : null;
}
