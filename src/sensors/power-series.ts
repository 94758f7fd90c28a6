import type { Warning } from "./reader.js";
import { powerRuleText, railsByName, totalPower, type RailReading } from "./tegrastats-power.js";

/**
 * Readings of a board's rails as values. The first rule by which the total power is told holds for the whole series: of
 * a kit and of its module are different quantities, and mixed they would pass for a step of the load.
 */
export class PowerSeries {
  #rule: string | null;

  constructor(rule: string | null = null) {
    this.#rule = rule;
  }

  /** `power_w`, `power_rule` and `rail_*_w`. */
  read(rails: readonly RailReading[]): {
    values: Record<string, number | string | null>;
    warnings: Warning[];
  } {
    const values: Record<string, number | string | null> = { power_w: null, power_rule: null };
    for (const [name, rail] of railsByName(rails))
      values[railColumn(name)] = rail === null ? null : rail.nowMw / 1000;
    const total = totalPower(rails);
    if (total === null) return { values, warnings: [["no power", missing(rails)]] };
    const rule = powerRuleText(total.rule);
    this.#rule ??= rule;
    if (rule !== this.#rule) {
      const sentence = `Power is now told of the ${rule}, before of the ${this.#rule}: readings by another rule are left out.`;
      return { values, warnings: [["power rule", sentence]] };
    }
    values.power_w = total.totalMw / 1000;
    values.power_rule = rule;
    return { values, warnings: total.warning === null ? [] : [["rails", total.warning]] };
  }
}

export const railColumn = (name: string): string => `rail_${columnName(name)}_w`;

/** Of a rail, zone or engine. */
export const columnName = (name: string): string => name.toLowerCase().replaceAll(/\W/g, "_");

function missing(rails: readonly RailReading[]): string {
  if (rails.length === 0) return "No power rail is told on this board, so its power is unknown (null).";
  const names = rails.map(({ name }) => name).join(", ");
  return `The rails ${names} fit no single board's rule for total power, so it is unknown (null).`;
}
