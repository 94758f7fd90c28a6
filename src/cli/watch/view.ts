import { hottest, type Values } from "../../sensors/index.js";
import type { Meter } from "./meter.js";
import { blockPlot } from "./plot.js";

const GIBI = 2 ** 30;
const UNKNOWN = "-";

const number = (value: unknown, digits: number, unit: string): string =>
  typeof value === "number" ? `${value.toFixed(digits)} ${unit}` : UNKNOWN;

/** Joules with a sensible number of digits, from a blink to a day. */
export function joules(value: number | null): string {
  if (value === null) return UNKNOWN;
  if (value >= 1e6) return `${(value / 1e6).toFixed(3)} MJ`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(2)} kJ` : `${value.toFixed(value < 100 ? 2 : 0)} J`;
}

function memory(values: Values): string {
  const [used, total] =
    typeof values.memory_used_bytes === "number"
      ? [values.memory_used_bytes, values.memory_total_bytes]
      : [values.ram_used_bytes, values.ram_total_bytes];
  if (typeof used !== "number") return UNKNOWN;
  const of = typeof total === "number" ? ` of ${(total / GIBI).toFixed(1)}` : "";
  return `${(used / GIBI).toFixed(1)}${of} GiB`;
}

/** The readings that a line has room for, with their names. */
export function readings({ latest, joules: drawn }: Meter): [name: string, text: string][] {
  const { power_w, gpu_load_pct, cpu_load_pct, gpu_clock_mhz, clocks_event_reasons } = latest;
  const load: [string, unknown] =
    gpu_load_pct === undefined ? ["CPU load", cpu_load_pct] : ["load", gpu_load_pct];
  return [
    ["power", number(power_w, 1, "W")],
    ["energy", joules(drawn)],
    ["memory", memory(latest)],
    [load[0], number(load[1], 0, "%")],
    ["clock", number(gpu_clock_mhz, 0, "MHz")],
    ["temperature", number(hottest(latest), 0, "°C")],
    ["throttle", typeof clocks_event_reasons === "string" ? clocks_event_reasons : UNKNOWN],
  ];
}

/** One line of a device, for a log: what is known of it. */
export function plainLine(device: string | null, meter: Meter): string {
  const known = readings(meter).filter(([, text]) => text !== UNKNOWN);
  const fields = known.map(([name, text]) => `${name} ${text}`);
  return [`${meter.seconds.toFixed(1)} s`, ...(device === null ? [] : [device]), ...fields].join("  ");
}

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

const MARGIN = 9;
const PLOT_ROWS = 5;

/** The whole view, a line an entry, none wider than the screen and not more than it has. */
export function view(
  title: string,
  meters: ReadonlyMap<string | null, Meter>,
  warnings: readonly string[],
  { columns, rows }: Screen,
): string[] {
  const lines = [title, ...[...meters].flatMap(([device, meter]) => deviceLines(device, meter, columns))];
  const all = [...lines, ...warnings.map((warning) => `! ${warning}`)];
  return all.slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, columns));
}

function deviceLines(device: string | null, meter: Meter, columns: number): string[] {
  const { powers, history } = meter;
  const texts = readings(meter).map(([name, text]) => `${name} ${text}`);
  const head = [...(device === null ? [] : [device]), ...wrap(texts, columns - 2)];
  if (powers === null) return [...head, "  no power is told"];
  const shown = history.slice(-(columns - MARGIN)).filter((watts) => watts !== null);
  const plot = blockPlot(history, Math.max(1, columns - MARGIN), PLOT_ROWS);
  const label = (line: number): string => {
    const watts = line === 0 ? Math.max(...shown) : line === PLOT_ROWS - 1 ? Math.min(...shown) : null;
    return (watts === null || !Number.isFinite(watts) ? "" : `${watts.toFixed(1)} W`).padStart(MARGIN - 1);
  };
  const { lowW, meanW, highW } = powers;
  return [
    ...head,
    `  lowest ${lowW.toFixed(1)} W  mean ${meanW.toFixed(1)} W  highest ${highW.toFixed(1)} W`,
    ...plot.map((bars, line) => `${label(line)} ${bars}`),
  ];
}

/** Texts in as few lines as they fit into, two blanks between them. */
function wrap(texts: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + text.length <= columns)
      lines[lines.length - 1] = `${last}  ${text}`;
    else lines.push(`  ${text}`);
  }
  return lines;
}
