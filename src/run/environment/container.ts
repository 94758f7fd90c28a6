import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../../sensors/sysfs.js";

/** What decides it: files under `root`, and variables. */
export interface ContainerTraces {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The container that this process runs in, by the traces that its makers leave; `none` where there is no trace, and null where
 * there is no /proc to look into. Sources: systemd's detect_container (src/basic/virt.c), and each maker's documentation.
 */
export function containerOf({ root, env }: ContainerTraces): string | null {
  const has = (path: string): boolean => existsSync(join(root, path));
  if (!has("proc")) return null;
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined) return "kubernetes";
  if (env["APPTAINER_CONTAINER"] !== undefined || env["SINGULARITY_CONTAINER"] !== undefined)
    return "apptainer";
  if (has("run/.containerenv")) return "podman";
  if (has(".dockerenv")) return "docker";
  const named = env["container"] ?? readText(join(root, "run/systemd/container"));
  if (named !== null && named !== "") return named;
  const groups = readText(join(root, "proc/1/cgroup")) ?? "";
  const maker = /(docker|kubepods|libpod|lxc|containerd)/.exec(groups)?.[1];
  if (maker !== undefined) return maker === "kubepods" ? "kubernetes" : maker === "libpod" ? "podman" : maker;
  if (/microsoft/i.test(readText(join(root, "proc/sys/kernel/osrelease")) ?? "")) return "wsl";
  return "none";
}
