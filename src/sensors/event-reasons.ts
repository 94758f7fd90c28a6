/**
 * Why a GPU's clocks are not the highest ("clock event" reasons, formerly "throttle" reasons): NVML's bits, by the names
 * that nvidia-smi gives them.
 */
const EVENT_REASONS = [
  [0x1, "gpu_idle"],
  [0x2, "applications_clocks_setting"],
  [0x4, "sw_power_cap"],
  [0x8, "hw_slowdown"],
  [0x10, "sync_boost"],
  [0x20, "sw_thermal_slowdown"],
  [0x40, "hw_thermal_slowdown"],
  [0x80, "hw_power_brake_slowdown"],
  [0x100, "display_clock_setting"],
] as const;

/** The power limit holds the clocks down. */
export const POWER_CAP = "sw_power_cap";

/** What makes a measurement suspect: the GPU was slower than its own limits of power and clocks. */
export const SLOWDOWNS: readonly string[] = [
  "hw_slowdown",
  "sw_thermal_slowdown",
  "hw_thermal_slowdown",
  "hw_power_brake_slowdown",
];

const NO_REASON = "none";

/** `sw_power_cap+hw_slowdown`, or `none`; a bit without a name stands as its number, `0x200`. */
export function eventReasons(mask: bigint): string {
  const names: string[] = [];
  for (let bit = 1n; bit <= mask; bit <<= 1n) {
    if ((mask & bit) === 0n) continue;
    const known = EVENT_REASONS.find(([value]) => BigInt(value) === bit);
    names.push(known ? known[1] : `0x${bit.toString(16)}`);
  }
  return names.length === 0 ? NO_REASON : names.join("+");
}

/** The names in what `eventReasons` wrote. */
export const reasonNames = (text: string): string[] => (text === NO_REASON ? [] : text.split("+"));
