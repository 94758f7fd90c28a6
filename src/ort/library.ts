import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { openLibrary, type Candidate, type Library } from "../ffi/library.js";
import { configFile, readConfig } from "./config.js";

/** Environment variable that names another ONNX Runtime library than the one onnxruntime-node ships. */
export const LIBRARY_VARIABLE = "SSM_SCOPE_ORT";

const FILE_NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libonnxruntime.so.1",
  darwin: "libonnxruntime.1.dylib",
  win32: "onnxruntime.dll",
};

/**
 * Where to look: the path that the caller named, else the one in the environment, else the one in the configuration,
 * else onnxruntime-node's. Whoever names a library wants that one, so a wrong path is an error and not a reason to take
 * another.
 *
 * @param packageRoot folder of onnxruntime-node, or null where it is not installed
 */
export function runtimeCandidates(
  library: string | undefined,
  environment: NodeJS.ProcessEnv,
  configured: Candidate | null,
  packageRoot: string | null,
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
): Candidate[] {
  const named = environment[LIBRARY_VARIABLE];
  if (library !== undefined) return [{ path: library, source: "the `library` option" }];
  if (named) return [{ path: named, source: LIBRARY_VARIABLE }];
  if (configured) return [configured];
  const fileName = FILE_NAMES[platform] ?? "libonnxruntime.so.1";
  return [
    packageRoot === null
      ? { path: fileName, source: "the system's loader, as onnxruntime-node is not installed" }
      : { path: join(packageRoot, "bin", "napi-v6", platform, arch, fileName), source: "onnxruntime-node" },
  ];
}

const HOW_TO_GET =
  "Install the npm package onnxruntime-node 1.23 or newer, or name an ONNX Runtime library of that age " +
  `(libonnxruntime.so, .dylib or onnxruntime.dll) in ${LIBRARY_VARIABLE}, "ort" of the configuration or the \`library\` option.`;

export function openRuntimeLibrary(library?: string): Library {
  return openLibrary("ONNX Runtime", [chooseRuntime(library)], HOW_TO_GET);
}

/** The library to use in this process, and who named it. */
export function chooseRuntime(library?: string): Candidate {
  // A configuration that nobody asks for is not read, so that it cannot be wrong.
  const asked = library === undefined && !process.env[LIBRARY_VARIABLE];
  return runtimeCandidates(
    library,
    process.env,
    asked ? configuredRuntime(process.env) : null,
    onnxruntimeNodeRoot(),
  )[0]!;
}

function configuredRuntime(environment: NodeJS.ProcessEnv): Candidate | null {
  const file = configFile(environment);
  const { ort } = readConfig(file);
  return ort === undefined ? null : { path: ort, source: `"ort" in ${file}` };
}

/** The package is only looked up, never loaded: its addon would bring a second way into the same library. */
export function onnxruntimeNodeRoot(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  } catch {
    return null;
  }
}
