import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { namesIn, readNumber, readText } from "./sysfs.js";

/** How a Jetson is set up to trade power for speed. Null is unknown, and on other machines everything is. */
export interface JetsonState {
  /** As the device tree names it: "NVIDIA Jetson Orin Nano Developer Kit". */
  readonly board: string | null;
  /** `R36 (release), REVISION: 4.3` */
  readonly l4t: string | null;
  /** Power mode of nvpmodel: "15W", "MAXN". */
  readonly nvpmodel: string | null;
  readonly nvpmodelId: number | null;
  /** Whether jetson_clocks, or whoever else, holds the clocks of all CPUs and of the GPU at their highest. */
  readonly jetsonClocks: boolean | null;
}

/** Where the state is read. */
export interface JetsonStateOptions {
  /** The folder that holds proc, sys, etc and var. Default: /. */
  root?: string;
  /** Runs `nvpmodel -q` and gives what it prints, null where it fails. */
  query?: () => string | null;
}

/** Read as any user; what only root may read is unknown then. */
export function jetsonState({ root = "/", query = nvpmodelQuery }: JetsonStateOptions = {}): JetsonState {
  const model = (file: string): string | null => readText(join(root, file));
  const isJetson = (model("proc/device-tree/compatible") ?? "").includes("nvidia,tegra");
  if (!isJetson) return { board: null, l4t: null, nvpmodel: null, nvpmodelId: null, jetsonClocks: null };
  const mode = statusMode(root) ?? queriedMode(query());
  return {
    board: model("proc/device-tree/model")?.replaceAll("\0", "") ?? null,
    l4t: /^# (R\d+ \(\w+\), REVISION: [\d.]+)/.exec(model("etc/nv_tegra_release") ?? "")?.[1] ?? null,
    nvpmodel: mode?.name ?? null,
    nvpmodelId: mode?.id ?? null,
    jetsonClocks: clocksAreHeld(root),
  };
}

interface Mode {
  id: number;
  name: string | null;
}

/** nvpmodel keeps its mode as `pmode:0002`, and the names in its settings as `< POWER_MODEL ID=2 NAME=MODE_30W >`. */
function statusMode(root: string): Mode | null {
  const id = /pmode:(\d+)/.exec(readText(join(root, "var/lib/nvpmodel/status")) ?? "")?.[1];
  if (id === undefined) return null;
  const settings = readText(join(root, "etc/nvpmodel.conf")) ?? "";
  const name = new RegExp(String.raw`^<\s*POWER_MODEL\s+ID=0*${Number(id)}\s+NAME=(\S+)\s*>`, "m").exec(
    settings,
  )?.[1];
  return { id: Number(id), name: name ?? null };
}

/** `NV Power Mode: MODE_30W`, and the number on a line of its own. */
function queriedMode(text: string | null): Mode | null {
  const [, name, id] = /^NV Power Mode: *(\S+)\s+(\d+)\s*$/m.exec(text ?? "") ?? [];
  return name === undefined ? null : { id: Number(id), name };
}

function nvpmodelQuery(): string | null {
  try {
    return execFileSync("nvpmodel", ["-q"], {
      encoding: "utf8",
      timeout: 5000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    return null;
  }
}

/** What jetson_clocks does: the lowest clock allowed is the highest. The GPU's devfreq node is named by its release. */
function clocksAreHeld(root: string): boolean | null {
  const cpus = join(root, "sys/devices/system/cpu");
  const devfreq = join(root, "sys/class/devfreq");
  const cpu = namesIn(cpus, "cpu")
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => join(cpus, name, "cpufreq"))
    .map((folder) => isHeld(join(folder, "scaling_min_freq"), join(folder, "scaling_max_freq")));
  const gpu = namesIn(devfreq, "")
    .filter((name) => /gpu|gp10b|gv11b|ga10b|gb10b/.test(name))
    .map((name) => isHeld(join(devfreq, name, "min_freq"), join(devfreq, name, "max_freq")));
  // A core that is off has no clock.
  const known = [cpu, gpu].map((held) => held.filter((value) => value !== null));
  if (known.some((held) => held.length === 0)) return null;
  return known.flat().every((held) => held);
}

function isHeld(lowest: string, highest: string): boolean | null {
  const [min, max] = [readNumber(lowest), readNumber(highest)];
  return min === null || max === null ? null : min >= max;
}
