import { execFile, type ExecFileException } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "../../errors.js";

const run = promisify(execFile);

/**
 * Lets onnxruntime-node's own installer fetch the provider from NuGet. The installer writes beside itself and in
 * place, so it runs from a copy in `folder`: what it leaves half-written then harms nothing.
 *
 * @param packageRoot folder of onnxruntime-node
 * @returns the folder in which it puts the files
 */
export async function runInstaller(
  folder: string,
  packageRoot: string,
  signal?: AbortSignal,
): Promise<string> {
  if (process.arch !== "x64")
    throw new UserError(`NuGet has no CUDA provider for Linux on ${process.arch}; use --from wheel.`);
  const script = join(packageRoot, "script");
  if (!existsSync(join(script, "install.js")))
    throw new UserError(`onnxruntime-node at ${packageRoot} has no script/install.js; use --from wheel.`);
  cpSync(script, join(folder, "script"), { recursive: true });
  const target = join(folder, "bin", "napi-v6", "linux", "x64");
  mkdirSync(target, { recursive: true });
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "cuda12", NODE_PATH: modulePath(packageRoot) };
  try {
    const installer = join(folder, "script", "install.js");
    await run(process.execPath, [installer], { env, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) throw error;
    const { stderr = "" } = error as ExecFileException;
    throw new UserError(
      `onnxruntime-node's installer does not get the provider from NuGet (${reasonOf(stderr)}); use --from wheel.`,
    );
  }
  return target;
}

/** Where the installer's own dependencies are, as seen from where it comes from. */
function modulePath(packageRoot: string): string {
  const { resolve } = createRequire(join(packageRoot, "package.json"));
  const folders = ["adm-zip", "global-agent"].flatMap((name) => {
    try {
      const file = resolve(name);
      return [file.slice(0, file.lastIndexOf(join("node_modules", name))) + "node_modules"];
    } catch {
      return [];
    }
  });
  return [...new Set([...folders, dirname(packageRoot)])].join(delimiter);
}

/** The error in a stack that Node printed. */
function reasonOf(stderr: string): string {
  const line = stderr.split("\n").find((text) => /^\s*(\w*Error)( \[\w+\])?: /.test(text));
  return line?.trim().replace(/^Error: /, "") ?? stderr.trim().split("\n")[0] ?? "no reason given";
}
