import { openLibrary } from "../../ffi/library.js";
import { listKernels, WITHOUT_JUPYTER } from "../kernel.js";
import { finding, onPath, output, type Finding } from "./finding.js";

const OLDEST_NODE = [20, 19] as const;

export function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const enough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  const { version } = process;
  return finding(
    "Node.js",
    enough ? version : null,
    `${version} is too old`,
    "install Node.js 20.19 or newer",
    true,
  );
}

export function nvml(): Finding {
  let path: string | null = null;
  try {
    path = openLibrary("NVML", [{ path: "libnvidia-ml.so.1", source: "the system's loader" }], "").path;
  } catch {
    // Without an NVIDIA driver there is none, and that is all there is to say.
  }
  return finding(
    "NVML",
    path,
    "not found",
    "comes with the NVIDIA driver; not on a Jetson, which has tegrastats",
  );
}

export function tegrastats(): Finding {
  return finding("tegrastats", onPath("tegrastats"), "not found", "comes with JetPack, on a Jetson only");
}

export function jupyter(): Finding {
  const path = onPath("jupyter");
  const version = path && output(path, ["--version"])?.split("\n")[0]?.trim();
  return finding(
    "Jupyter",
    path && `${version ?? "version unknown"} (${path})`,
    "not found",
    WITHOUT_JUPYTER,
  );
}

export function kernelspec(): Finding {
  const kernels = listKernels();
  const broken = kernels.find(({ problem }) => problem !== null);
  if (broken)
    return finding(
      "Kernelspec",
      null,
      `${broken.folder}: ${broken.problem}`,
      "run `npx ssm-scope kernel install`",
    );
  const detail = kernels.map(({ displayName, folder }) => `${displayName} (${folder})`).join(", ");
  return finding("Kernelspec", detail || null, "not installed", "run `npx ssm-scope kernel install`");
}
