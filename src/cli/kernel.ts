/** `ssm-scope kernel`: makes the TypeScript kernel known to Jupyter. Needs no Python: a kernelspec is a folder of files. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { UserError } from "../errors.js";
import { activePrefix, jupyterDataDir, kernelFolders, kernelsOfPrefix } from "./notebook/jupyter-dirs.js";

const PACKAGE = resolve(import.meta.dirname, "../..");
const TEMPLATE = join(PACKAGE, "kernels-config", "ssm-scope");
/** The kernel runs from the build, also when this module runs from its source. */
const KERNEL = join(PACKAGE, "dist", "cli", "notebook", "kernel-main.js");

/** The name that a notebook's metadata asks for. */
export const KERNEL_NAME = "ssm-scope";

export interface KernelPlace {
  /** Install into `<prefix>/share/jupyter/kernels`. */
  prefix?: string;
  /** Install for this user (the default). */
  user?: boolean;
  /** Install into the active virtual or conda environment. */
  sysPrefix?: boolean;
  /** Name of the kernelspec; default `ssm-scope`. */
  name?: string;
}

export interface InstallOptions extends KernelPlace {
  /** Replace a kernelspec of that name even when it is not ours. */
  force?: boolean;
}

export interface InstalledKernel {
  name: string;
  folder: string;
  displayName: string;
  /** What keeps the kernel from starting, or null: Node and the package are named by absolute paths. */
  problem: string | null;
}

interface KernelSpec {
  argv: string[];
  display_name: string;
  metadata?: Record<string, unknown>;
}

/** Writes the kernelspec, filled with this Node and this package, and says in which folder. */
export function installKernel({ force = false, ...place }: InstallOptions = {}): string {
  if (!existsSync(KERNEL)) throw new UserError(`${KERNEL} is missing: run \`npm run build\` first`);
  const folder = specFolder(place);
  if (existsSync(folder) && !force && !isOurs(folder))
    throw new UserError(
      `${folder} holds a kernelspec that is not ours: choose another --name, or --force to replace it`,
    );
  writeSpec(folder, filledSpec());
  return folder;
}

function writeSpec(folder: string, spec: KernelSpec): void {
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(TEMPLATE, folder, { recursive: true });
    writeFileSync(join(folder, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS" && code !== "ENOTDIR") throw error;
    throw new UserError(`${folder} cannot be written (${code}): choose another --prefix`);
  }
}

/** The kernelspecs of ssm-scope that Jupyter would find from this shell. */
export function listKernels(): InstalledKernel[] {
  return kernelFolders()
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((name) => ({ name, folder: join(parent, name) })))
    .flatMap(({ name, folder }) => {
      const spec = readSpec(folder);
      if (!spec || !isOurs(folder)) return [];
      return [{ name, folder, displayName: spec.display_name, problem: problemOf(spec) }];
    });
}

/** Removes a kernelspec of ours and says from which folder. */
export function removeKernel(place: KernelPlace = {}): string {
  const folder = specFolder(place);
  if (!existsSync(folder))
    throw new UserError(
      `${folder} does not exist: \`ssm-scope kernel list\` shows the kernelspecs there are`,
    );
  if (!isOurs(folder))
    throw new UserError(`${folder} holds a kernelspec that is not ours: it was left alone`);
  rmSync(folder, { recursive: true });
  return folder;
}

function specFolder({ name = KERNEL_NAME, ...place }: KernelPlace): string {
  if (!/^[a-z0-9._-]+$/i.test(name) || /^\.+$/.test(name))
    throw new UserError(`--name ${name}: a kernel's name is made of letters, digits, '.', '_' and '-'`);
  // Jupyter looks names up in lower case.
  return join(kernelsFolder(place), name.toLowerCase());
}

function kernelsFolder({ prefix, user = false, sysPrefix = false }: KernelPlace): string {
  if ([prefix !== undefined, user, sysPrefix].filter(Boolean).length > 1)
    throw new UserError("--prefix, --user and --sys-prefix name different places: give one of them");
  if (prefix !== undefined) return kernelsOfPrefix(resolve(prefix));
  if (!sysPrefix) return join(jupyterDataDir(), "kernels");
  const active = activePrefix();
  if (!active)
    throw new UserError(
      "--sys-prefix needs an active environment (VIRTUAL_ENV and CONDA_PREFIX are not set): activate it, or give --prefix",
    );
  return kernelsOfPrefix(active);
}

function filledSpec(): KernelSpec {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as { version: string };
  const values: Record<string, string> = { "{node}": process.execPath, "{kernel}": KERNEL };
  const spec = readSpec(TEMPLATE);
  if (!spec) throw new Error(`${TEMPLATE}/kernel.json is missing from the package`);
  return {
    ...spec,
    argv: spec.argv.map((argument) => values[argument] ?? argument),
    metadata: { ...spec.metadata, "ssm-scope": version },
  };
}

function readSpec(folder: string): KernelSpec | null {
  try {
    return JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")) as KernelSpec;
  } catch {
    return null;
  }
}

/** Ours carry our version in their metadata. */
const isOurs = (folder: string): boolean => readSpec(folder)?.metadata?.["ssm-scope"] !== undefined;

function problemOf({ argv }: KernelSpec): string | null {
  const missing = argv.slice(0, 2).find((path) => !existsSync(path));
  return missing === undefined ? null : `${missing} is gone: install the kernel again`;
}

const place = (command: Command): Command =>
  command
    .option("--user", "for this user (the default)")
    .option("--sys-prefix", "in the active virtual or conda environment")
    .option("--prefix <dir>", "in <dir>/share/jupyter/kernels")
    .option("--name <name>", "name of the kernelspec", KERNEL_NAME);

/** `ssm-scope kernel install | list | remove`. */
export function kernelCommand(): Command {
  const command = new Command("kernel").description("make the TypeScript kernel known to Jupyter");
  place(command.command("install").description("install the kernelspec"))
    .option("--force", "replace a kernelspec of that name that is not ours")
    .action((options: InstallOptions) => {
      console.log(`Installed the kernelspec in ${installKernel(options)}`);
    });
  command
    .command("list")
    .description("list the kernelspecs of ssm-scope that Jupyter finds from here")
    .action(() => {
      const kernels = listKernels();
      for (const { name, displayName, folder, problem } of kernels)
        console.log(`${name}  ${displayName}  ${folder}${problem ? `  (${problem})` : ""}`);
      if (kernels.length === 0) console.log("No kernelspec of ssm-scope here: ssm-scope kernel install");
    });
  place(command.command("remove").description("remove the kernelspec")).action((options: KernelPlace) => {
    console.log(`Removed ${removeKernel(options)}`);
  });
  return command;
}
