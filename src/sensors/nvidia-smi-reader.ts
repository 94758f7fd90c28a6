import { UserError } from "../errors.js";
import { eventReasons } from "./event-reasons.js";
import type { Reader } from "./reader.js";

/** A column of `nvidia-smi --query-gpu=... --format=csv`, with the unit of its cells where they do not say it. */
interface Column {
  /** As nvidia-smi names it, e.g. `power.draw.instant`. */
  field: string;
  /** Null where neither the header nor the field tells it. */
  unit: string | null;
}

/** `name [unit]`; every field of nvidia-smi is in small letters. */
const HEADING = /^([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*)(?: \[([^\]]+)\])?$/;

/** Units of cells: what our names end in, and the factor. */
const UNITS: Readonly<Record<string, readonly [suffix: string, factor: number]>> = {
  W: ["w", 1],
  MiB: ["bytes", 2 ** 20],
  "%": ["pct", 1],
  MHz: ["mhz", 1],
  C: ["c", 1],
};

/** Units of fields, as a header may lack them (`noheader`) or never has them (temperatures). */
const FIELD_UNITS: readonly [RegExp, keyof typeof UNITS][] = [
  [/^(enforced\.)?power\./, "W"],
  [/^(memory|fb_memory|bar1_memory)\./, "MiB"],
  [/^(utilization\.|fan\.speed$)/, "%"],
  [/^clocks\.(?!.*reasons)/, "MHz"],
  [/^temperature\./, "C"],
];

/** Fields whose text is a fact, not a reading. */
const TEXTS = new Set(["name", "gpu_name", "uuid", "gpu_uuid", "pstate", "driver_version", "pci.bus_id"]);

/** What tells the GPU of a row, best first. */
const DEVICE_FIELDS = ["uuid", "gpu_uuid", "pci.bus_id", "index"];

/** Total power, the freshest first: `power.draw` is the mean of a second on most GPUs since 2020. */
const POWER_FIELDS = ["power.draw.instant", "power.draw", "power.draw.average"];

/** Names that all sources share. */
const SHARED: Record<string, string> = {
  "utilization.gpu": "gpu_load_pct",
  "clocks.current.sm": "gpu_clock_mhz",
  "clocks.sm": "gpu_clock_mhz",
};

/** Its cells are masks such as `0x0000000000000004`. */
const EVENT_REASONS = /^clocks_(event|throttle)_reasons\.active$/;

/** The columns of a header line, or null if it is none: some field of a header has a unit, words of a message have none. */
export function nvidiaSmiColumns(line: string): Column[] | null {
  const columns = headings(line);
  return columns?.some(({ unit }) => unit !== null) === true ? columns : null;
}

function headings(line: string): Column[] | null {
  const columns = line.split(", ").map((cell) => HEADING.exec(cell.trim()));
  if (!columns.every((found) => found !== null)) return null;
  return columns.map(([, field, unit]) => ({ field: field!, unit: unit ?? unitOf(field!) }));
}

const unitOf = (field: string): string | null =>
  FIELD_UNITS.find(([pattern]) => pattern.test(field))?.[1] ?? null;

/**
 * Rows of nvidia-smi's CSV as readings.
 *
 * @param fields what was asked of `--query-gpu`, for a stream without a header
 */
export function nvidiaSmiReader(fields?: readonly string[]): Reader {
  let columns = fields ? headings(fields.join(", ")) : null;
  if (fields && columns === null)
    throw new UserError(
      `${JSON.stringify(fields)} are not fields of nvidia-smi, e.g. power.draw, memory.used.`,
    );
  /** Of each GPU, the field of its power: the first that it answered, as a series must not mix two. */
  const powerFields = new Map<string | null, string>();
  return {
    read(line) {
      const header = nvidiaSmiColumns(line);
      if (header !== null) {
        columns = header;
        return null;
      }
      // No cell is quoted: a name with a comma, or a message between rows, has another number of cells.
      const cells = line.split(", ").map((cell) => cell.trim());
      if (columns === null || cells.length !== columns.length) return null;
      const texts = new Map(columns.map(({ field }, index) => [field, cells[index]!]));
      const device =
        DEVICE_FIELDS.map((field) => texts.get(field)).find((text) => text !== undefined) ?? null;
      const powerField = powerFields.get(device) ?? answeredPower(texts);
      if (powerField !== null) powerFields.set(device, powerField);
      const power_w = powerField === null ? null : quantity(texts.get(powerField), "W");
      const power_rule = power_w === null ? null : `GPU: ${powerField!}`;
      return {
        device,
        wallMs: wallMs(texts.get("timestamp")),
        values: { power_w, power_rule, ...valuesOf(columns, cells) },
        warnings: [],
      };
    },
  };
}

const answeredPower = (texts: ReadonlyMap<string, string>): string | null =>
  POWER_FIELDS.find((field) => quantity(texts.get(field), "W") !== null) ?? null;

function valuesOf(
  columns: readonly Column[],
  cells: readonly string[],
): Record<string, number | string | null> {
  const values: Record<string, number | string | null> = {};
  for (const [index, { field, unit }] of columns.entries()) {
    const cell = cells[index]!;
    if (field === "timestamp" || DEVICE_FIELDS.includes(field)) continue;
    const name = field.replaceAll(".", "_");
    if (TEXTS.has(field)) values[name] = isMissing(cell) ? null : cell;
    else if (EVENT_REASONS.test(field))
      values.clocks_event_reasons = /^0x[0-9a-f]+$/i.test(cell) ? eventReasons(BigInt(cell)) : null;
    else values[SHARED[field] ?? withUnit(name, unit)] = quantity(cell, unit);
  }
  return values;
}

const withUnit = (name: string, unit: string | null): string =>
  unit === null ? name : `${name}_${UNITS[unit]?.[0] ?? unit.toLowerCase().replaceAll(/\W/g, "_")}`;

/** `[N/A]`, `[Not Supported]`, `[Unknown Error]`, ... */
const isMissing = (cell: string): boolean => cell === "" || /^(\[.*\]|N\/A)$/.test(cell);

/** In the unit of our name; null for whatever is no number, or of another unit than its column. */
function quantity(cell: string | undefined, unit: string | null): number | null {
  const found = /^(-?\d{1,15}(?:\.\d{1,9})?)(?: (\S+))?$/.exec(cell ?? "");
  if (!found || (found[2] !== undefined && found[2] !== unit)) return null;
  return Number(found[1]) * (unit === null ? 1 : (UNITS[unit]?.[1] ?? 1));
}

/** `YYYY/MM/DD HH:MM:SS.mmm`, local time of an unknown zone. */
function wallMs(stamp: string | undefined): number | null {
  const found = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})$/.exec(stamp ?? "");
  if (!found) return null;
  const [year, month, day, hour, minute, second, ms] = found.slice(1).map(Number);
  return Date.UTC(year!, month! - 1, day, hour, minute, second, ms);
}
