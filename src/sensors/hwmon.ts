import { join } from "node:path";
import { UserError } from "../errors.js";
import { checkInterval, poll } from "./poll.js";
import { PowerSeries, railColumn } from "./power-series.js";
import { warnOnce, type Sensor } from "./sensor.js";
import { namesIn, readNumber, readText } from "./sysfs.js";
import { NOT_CONNECTED, powerRule, powerRuleText, type RailReading } from "./tegrastats-power.js";

/** How often, and where the rails are. */
export interface HwmonOptions {
  /** Where sysfs is mounted. Default: /sys. */
  root?: string;
  /**
   * A reading takes 1 to 2 ms for each rail. Default: 100; no less is given than the chips take to renew theirs, which is
   * more where they average (`samples`).
   */
  intervalMs?: number;
}

/** A rail, and how it is read: in mW, or null when the chip does not answer. */
interface Channel {
  name: string;
  readMw: () => number | null;
}

/**
 * Power rails of a Jetson by the kernel's drivers of its sensor chips (INA3221, and INA238 of the Thor kit), without
 * tegrastats and without root: the same rails, the same rules for the total.
 */
export function hwmon({ root = "/sys", intervalMs: wantedMs }: HwmonOptions = {}): Sensor {
  const askedMs = wantedMs ?? 100;
  checkInterval(askedMs);
  const missing = `No INA3221 or INA238 power sensor is under ${root}: Jetson modules have them, other machines do not.`;
  return {
    source: "hwmon",
    discover: () => {
      const devices = channels(root).map(({ name }) => name);
      return Promise.resolve({ devices, reason: devices.length === 0 ? missing : null });
    },
    open: (options = {}) => {
      const found = channels(root);
      if (found.length === 0) return Promise.reject(new UserError(missing));
      const { warn, last } = warnOnce(options);
      const intervalMs = Math.max(askedMs, updateInterval(root));
      if (wantedMs !== undefined && intervalMs > wantedMs)
        warn(
          "interval",
          `Rails are read every ${intervalMs} ms and not every ${wantedMs}: their chips renew them no more often.`,
        );
      // By the labels and not by what answers first, or a Thor kit whose VIN is late would pass for its module.
      const rule = powerRule(new Set(found.map(({ name }) => name)));
      const series = new PowerSeries(rule && powerRuleText(rule));
      const read = () => {
        const readings = found.map(({ name, readMw }) => ({ name, nowMw: readMw() }));
        const silent = readings.filter(({ nowMw }) => nowMw === null).map(({ name }) => name);
        const { values, warnings } = series.read(
          readings.filter((reading): reading is RailReading => reading.nowMw !== null),
        );
        for (const name of silent) warn(name, `Rail ${name} does not answer: its readings are null.`);
        if (silent.length === 0) for (const [key, sentence] of warnings) warn(key, sentence);
        return { ...Object.fromEntries(silent.map((name) => [railColumn(name), null])), ...values };
      };
      return Promise.resolve(poll(read, intervalMs, options, last));
    },
  };
}

/** Folders of chips by one of the drivers. */
function chipsOf(root: string, ...drivers: string[]): string[] {
  const folder = join(root, "class/hwmon");
  return namesIn(folder, "hwmon")
    .map((name) => join(folder, name))
    .filter((chip) => drivers.includes(readText(join(chip, "name")) ?? ""));
}

/** Milliseconds in which the slowest chip renews its readings; 0 where none tells. Kernel documentation: hwmon/ina3221.rst. */
const updateInterval = (root: string): number =>
  Math.max(
    0,
    ...chipsOf(root, "ina3221", "ina238").map((chip) => readNumber(join(chip, "update_interval")) ?? 0),
  );

function channels(root: string): Channel[] {
  const found = [...chipsOf(root, "ina3221").flatMap(ina3221), ...chipsOf(root, "ina238").flatMap(ina238)];
  const all = [...found, ...ina3221x(join(root, "bus/i2c/drivers/ina3221x"))];
  return all.filter(({ name }) => name !== NOT_CONNECTED);
}

/** Channels 1 to 3 in mV and mA; a further one is the chip's sum. Kernel documentation: hwmon/ina3221.rst. */
function ina3221(chip: string): Channel[] {
  return [1, 2, 3].flatMap((n) => {
    const name = readText(join(chip, `in${n}_label`));
    if (name === null || name === "") return [];
    const readMw = (): number | null => {
      const millivolts = readNumber(join(chip, `in${n}_input`));
      const milliamperes = readNumber(join(chip, `curr${n}_input`));
      return millivolts === null || milliamperes === null ? null : (millivolts * milliamperes) / 1000;
    };
    return [{ name, readMw }];
  });
}

/** The input of the Thor kit, in microwatts. */
function ina238(chip: string): Channel[] {
  const readMw = (): number | null => {
    const microwatts = readNumber(join(chip, "power1_input"));
    return microwatts === null ? null : microwatts / 1000;
  };
  return [{ name: readText(join(chip, "in1_label")) ?? "VIN", readMw }];
}

/** Kernel 4.9 (JetPack 4): channels from 0, in mW. */
function ina3221x(driver: string): Channel[] {
  return namesIn(driver, "").flatMap((address) =>
    namesIn(join(driver, address), "iio:device").flatMap((device) =>
      [0, 1, 2].flatMap((n) => {
        const folder = join(driver, address, device);
        const name = readText(join(folder, `rail_name_${n}`));
        return name === null ? [] : [{ name, readMw: () => readNumber(join(folder, `in_power${n}_input`)) }];
      }),
    ),
  );
}
