import type { Rail } from "./tegrastats-line.js";

/** A reading of a rail, whoever told it. */
export type RailReading = Pick<Rail, "name" | "nowMw">;

/** Total power by the rule of a board. Nothing here covers the carrier, fan, disk or power supply unless it says so. */
export interface TotalPower {
  /** Of the moment; the sum keeps negative readings, as to clamp them would bias the mean. */
  totalMw: number;
  rule: PowerRule;
  /** One sentence where the readings contradict the rule, else null. */
  warning: string | null;
}

/** Which rails make up a total, of what. */
export interface PowerRule {
  board: string;
  /** What the total is the power of. */
  of: "module" | "module's 5 V input" | "whole developer kit";
  /** The rails that are summed. */
  rails: readonly string[];
}

const INPUT_5V: PowerRule = { board: "Nano", of: "module's 5 V input", rails: ["POM_5V_IN"] };
const INPUT: PowerRule = {
  board: "TX1, TX2, Xavier NX, Orin NX or Orin Nano",
  of: "module",
  rails: ["VDD_IN"],
};
const THOR: PowerRule = {
  board: "Thor",
  of: "module",
  rails: ["VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"],
};
const THOR_KIT: PowerRule = { board: "Thor developer kit", of: "whole developer kit", rails: ["VIN"] };
/** VDDQ_VDD2_1V8AO is fed by VIN_SYS_5V0: to add it would count the DRAM twice. */
const AGX_ORIN: PowerRule = {
  board: "AGX Orin",
  of: "module",
  rails: ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"],
};
const AGX_XAVIER: PowerRule = {
  board: "AGX Xavier",
  of: "module",
  rails: ["GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"],
};

/** Rails of an input sensor, which hold all others. */
const INPUTS = [INPUT_5V, INPUT];
const SUMS = [AGX_ORIN, AGX_XAVIER];

/**
 * The rule that the names of the rails call for, or null where they fit none or two. Source: NVIDIA's Jetson Linux
 * developer guides and its answers on rails (forum threads 81016, 200883, 217088, 223111).
 */
export function powerRule(names: ReadonlySet<string>): PowerRule | null {
  const has = (rule: PowerRule): boolean => rule.rails.every((name) => names.has(name));
  const thor = has(THOR_KIT) && names.has("VDD_CPU_SOC_MSS") ? THOR_KIT : has(THOR) ? THOR : null;
  const fitting = [...INPUTS.filter(has), ...SUMS.filter(has), ...(thor ? [thor] : [])];
  return fitting.length === 1 ? fitting[0]! : null;
}

/** A channel to which nothing is connected. */
export const NOT_CONNECTED = "NC";

/** The rails that are connected, by name; one printed twice has no single reading and is null. */
export function railsByName(rails: readonly RailReading[]): Map<string, RailReading | null> {
  const byName = new Map<string, RailReading | null>();
  for (const rail of rails)
    if (rail.name !== NOT_CONNECTED) byName.set(rail.name, byName.has(rail.name) ? null : rail);
  return byName;
}

/** Null where the rails are missing, fit no board's rule, or one of the rule is printed twice. */
export function totalPower(rails: readonly RailReading[]): TotalPower | null {
  const byName = railsByName(rails);
  const rule = powerRule(new Set(byName.keys()));
  if (rule === null) return null;
  let totalMw = 0;
  for (const name of rule.rails) {
    const rail = byName.get(name);
    if (!rail) return null;
    totalMw += rail.nowMw;
  }
  return { totalMw, rule, warning: contradiction(totalMw, rule, byName) };
}

/** `module: VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0`, to stand beside every figure made with the rule. */
export const powerRuleText = (rule: PowerRule): string => `${rule.of}: ${rule.rails.join(" + ")}`;

/** An input that reads less than what it feeds: the carrier's labels are permuted. */
function contradiction(
  totalMw: number,
  rule: PowerRule,
  byName: ReadonlyMap<string, RailReading | null>,
): string | null {
  for (const rail of byName.values())
    if (rail !== null && rail.nowMw > totalMw && !rule.rails.includes(rail.name))
      return (
        `Rail ${rail.name} reads ${rail.nowMw} mW, above the ${totalMw} mW of ${rule.rails.join(" + ")} that feeds it: ` +
        `the board's rail labels are likely permuted, so its power is not to be trusted.`
      );
  return null;
}
