/**
 * Where Jupyter looks for kernelspecs, without asking its Python. The rules are those of jupyter_core.paths
 * (`jupyter_data_dir`, `jupyter_path`): https://jupyter.readthedocs.io/en/latest/use/jupyter-directories.html
 */
import { homedir } from "node:os";
import { delimiter, join, posix, win32 } from "node:path";

export type Environment = Record<string, string | undefined>;

/** Jupyter takes these for "not set" (`jupyter_core.paths.envset`). */
const OFF = ["no", "n", "false", "off", "0", "0.0"];

const isOn = (value: string | undefined): boolean =>
  value !== undefined && !OFF.includes(value.toLowerCase());

/** The user's Jupyter data folder on a platform. */
export function jupyterDataDir(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  const platformDirs = isOn(env.JUPYTER_PLATFORM_DIRS);
  if (platform === "darwin")
    return platformDirs
      ? posix.join(home, "Library", "Application Support", "Jupyter")
      : posix.join(home, "Library", "Jupyter");
  if (platform === "win32") {
    const local = env.LOCALAPPDATA ?? win32.join(home, "AppData", "Local");
    if (platformDirs) return win32.join(local, "Jupyter");
    return env.APPDATA ? win32.join(env.APPDATA, "jupyter") : win32.join(home, ".jupyter", "data");
  }
  return posix.join(env.XDG_DATA_HOME || posix.join(home, ".local", "share"), "jupyter");
}

/** The Python environment that is active in this shell, or null. */
export const activePrefix = (env: Environment = process.env): string | null =>
  env.VIRTUAL_ENV || env.CONDA_PREFIX || null;

/** The kernelspec folder of an installation prefix, e.g. of a virtual environment. */
export const kernelsOfPrefix = (prefix: string): string => join(prefix, "share", "jupyter", "kernels");

/** Every folder in which Jupyter, started from this shell, looks for kernelspecs. */
export function kernelFolders(env: Environment = process.env): string[] {
  const named = (env.JUPYTER_PATH ?? "").split(delimiter).filter((path) => path !== "");
  const prefix = activePrefix(env);
  const system = process.platform === "win32" ? [] : ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  const folders = [...named, jupyterDataDir(env), ...system].map((folder) => join(folder, "kernels"));
  return [...new Set(prefix ? [...folders, kernelsOfPrefix(prefix)] : folders)];
}
