import type { Reader } from "./reader.js";
import { parseTegrastatsLine, type Engine, type TegrastatsLine } from "./tegrastats-line.js";
import { powerRuleText, railsByName, totalPower } from "./tegrastats-power.js";

type Warning = readonly [key: string, sentence: string];

/**
 * Lines of tegrastats as readings. The first rule by which the total power is told holds for the whole series: of a kit
 * and of its module are different quantities, and mixed they would pass for a step of the load.
 */
export function tegrastatsReader(): Reader {
  let firstRule: string | null = null;
  return {
    read(text) {
      const line = parseTegrastatsLine(text);
      if (line === null || !isReading(line)) return null;
      const { power, warnings } = powerOf(line, firstRule);
      firstRule ??= power.power_rule;
      return {
        device: null,
        wallMs: wallMs(line.stamp),
        values: { ...power, ...tegrastatsValues(line) },
        warnings: [...warnings, ...prefixWarning(line.prefix)],
      };
    },
  };
}

/** Every release prints one of these; a lone `EPOCH 3/10` of a wrapper would pass for a rail. */
const isReading = (line: TegrastatsLine): boolean =>
  line.ram !== null || line.cores !== null || line.emc !== null || line.gpus.length > 0;

interface Power {
  power_w: number | null;
  power_rule: string | null;
}

function powerOf(line: TegrastatsLine, firstRule: string | null): { power: Power; warnings: Warning[] } {
  const none = { power_w: null, power_rule: null };
  const total = totalPower(line.rails);
  if (total === null) return { power: none, warnings: [["no power", missingPower(line)]] };
  const rule = powerRuleText(total.rule);
  if (firstRule !== null && rule !== firstRule) {
    const sentence = `Power is now told of the ${rule}, before of the ${firstRule}: readings by another rule are left out.`;
    return { power: none, warnings: [["power rule", sentence]] };
  }
  const warnings: Warning[] = total.warning === null ? [] : [["rails", total.warning]];
  return { power: { power_w: total.totalMw / 1000, power_rule: rule }, warnings };
}

function missingPower({ rails }: TegrastatsLine): string {
  if (rails.length === 0)
    return "tegrastats prints no power rail on this board, so its power is unknown (null).";
  const names = rails.map(({ name }) => name).join(", ");
  return `The rails ${names} fit no single board's rule for total power, so it is unknown (null).`;
}

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
 * The fields of a line by names with units. What is printed but is no measurement is null: EMC's load without a clock
 * (0 for whoever is not root), PMIC's constant 50 or 100 degrees. Means and highest values since the process started are
 * left out: they are no readings of the moment.
 */
export function tegrastatsValues(line: TegrastatsLine): Record<string, number | null> {
  const values: Record<string, number | null> = {};
  for (const [name, rail] of railsByName(line.rails))
    values[`rail_${column(name)}_w`] = rail === null ? null : rail.nowMw / 1000;
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
  for (const engine of line.engines) addEngine(values, column(engine.name.replace(/_FREQ$/, "")), engine);
  for (const { zone, celsius } of line.temperatures)
    values[`temperature_${column(zone)}_c`] = isConstant(zone, celsius) ? null : celsius;
  if (line.mts) {
    values.mts_foreground_pct = line.mts.foregroundPct;
    values.mts_background_pct = line.mts.backgroundPct;
  }
  return values;
}

const MIB = 2 ** 20;

const column = (name: string): string => name.toLowerCase().replaceAll(/\W/g, "_");

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
