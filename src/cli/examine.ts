import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { openLibrary } from "../ffi/library.js";
import { openRuntime } from "../ort/index.js";
import { listKernels } from "./kernel.js";

/** One thing that was looked for. */
export interface Finding {
  readonly name: string;
  readonly found: boolean;
  /** Nothing can be measured without it. */
  readonly required: boolean;
  /** Version and place, or what is missing. */
  readonly detail: string;
  /** How to get it, where it is missing. */
  readonly hint: string | null;
}

const OLDEST_NODE = [20, 19] as const;

/** Everything this package can use, as found on this machine. */
export function examine(): Finding[] {
  return [
    node(),
    onnxRuntime(),
    cudaProvider(),
    cudaLibraries(),
    nvml(),
    tegrastats(),
    jupyter(),
    kernelspec(),
  ];
}

function finding(
  name: string,
  detail: string | null,
  missing: string,
  hint: string,
  required = false,
): Finding {
  return detail === null
    ? { name, found: false, required, detail: missing, hint }
    : { name, found: true, required, detail, hint: null };
}

function node(): Finding {
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

/** The runtime, or why it cannot be opened. */
function runtime(): ReturnType<typeof openRuntime> | string {
  try {
    return openRuntime();
  } catch (error) {
    return (error as Error).message;
  }
}

function onnxRuntime(): Finding {
  const opened = runtime();
  const name = "ONNX Runtime";
  const hint = "run `npm ci` again, or name a library with SSM_SCOPE_ORT=/path/to/libonnxruntime.so";
  if (typeof opened === "string") return finding(name, null, opened, hint, true);
  const providers = opened.providers().map((provider) => provider.replace("ExecutionProvider", ""));
  return finding(
    name,
    `${opened.version}, knows ${providers.join(", ")} (${opened.library})`,
    "",
    hint,
    true,
  );
}

function cudaProvider(): Finding {
  const opened = runtime();
  const folder = typeof opened === "string" ? "" : dirname(opened.library);
  const file = join(folder, "libonnxruntime_providers_cuda.so");
  return finding(
    "CUDA execution provider",
    existsSync(file) ? file : null,
    "not beside the ONNX Runtime library",
    "only for an NVIDIA GPU: README.md, “On a GPU”",
  );
}

/** The libraries that the provider loads, newest first where it may be built for CUDA 13 or 12. */
const CUDA_LIBRARIES = [
  ["libcudart.so.13", "libcudart.so.12"],
  ["libcublas.so.13", "libcublas.so.12"],
  ["libcublasLt.so.13", "libcublasLt.so.12"],
  ["libcurand.so.10"],
  ["libcufft.so.12", "libcufft.so.11"],
  ["libcudnn.so.9"],
] as const;

function cudaLibraries(): Finding {
  const places = CUDA_LIBRARIES.map((names) => ({
    names,
    path: names.map(locate).find((path) => path !== null),
  }));
  const missing = places.filter(({ path }) => path === undefined).map(({ names }) => names.join(" or "));
  return finding(
    "CUDA libraries",
    missing.length === 0 ? places.map(({ path }) => path).join(", ") : null,
    `missing ${missing.join(", ")}`,
    "only for an NVIDIA GPU: install the CUDA toolkit and cuDNN 9, and put their folders on LD_LIBRARY_PATH",
  );
}

/** Where the loader, LD_LIBRARY_PATH or a CUDA toolkit has a library. */
function locate(name: string): string | null {
  const toolkits = existsSync("/usr/local")
    ? readdirSync("/usr/local").filter((entry) => entry.startsWith("cuda"))
    : [];
  const folders = [
    ...(process.env.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean),
    ...toolkits.map((entry) => join("/usr/local", entry, "lib64")),
  ];
  const file = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file) return file;
  const cached = output("ldconfig", ["-p"])
    ?.split("\n")
    .find((line) => line.trim().startsWith(`${name} `));
  return cached?.split("=> ")[1]?.trim() ?? null;
}

function nvml(): Finding {
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

function tegrastats(): Finding {
  return finding("tegrastats", onPath("tegrastats"), "not found", "comes with JetPack, on a Jetson only");
}

function jupyter(): Finding {
  const path = onPath("jupyter");
  const version = path && output(path, ["--version"])?.split("\n")[0]?.trim();
  return finding(
    "Jupyter",
    path && `${version ?? "version unknown"} (${path})`,
    "not found",
    "`pip install jupyterlab`; without it `ssm-scope notebook run FILE` executes notebooks",
  );
}

function kernelspec(): Finding {
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

function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** What a program prints, or null when it cannot be run. */
function output(program: string, args: string[]): string | null {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    });
  } catch {
    return null;
  }
}
