/** `ssm-scope kernel`: makes the TypeScript kernels known to Jupyter. Needs no Python: a kernelspec is a folder of files. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { UserError } from "../errors.js";
import { onPath } from "./examine/finding.js";
import { activePrefix, jupyterDataDir, kernelFolders, kernelsOfPrefix } from "./notebook/jupyter-dirs.js";

const PACKAGE = resolve(import.meta.dirname, "../..");
const TEMPLATES = join(PACKAGE, "kernels-config");
/** The kernel runs from the build, also when this module runs from its source. */
const KERNEL = join(PACKAGE, "dist", "cli", "notebook", "kernel-main.js");

/** The kernelspecs there are: plain TypeScript, with the library preloaded, and so for measuring on a GPU. */
export const KERNELS = ["ssm-scope", "ssm-scope-loaded", "ssm-scope-cuda"] as const;
export type KernelName = (typeof KERNELS)[number];

/** What to do about Jupyter where there is none. */
export const WITHOUT_JUPYTER =
  "`pip install jupyterlab`; without it `ssm-scope notebook run FILE` executes notebooks";

export interface KernelPlace {
  /** Install into `<prefix>/share/jupyter/kernels`. */
  prefix?: string;
  /** Install for this user (the default). */
  user?: boolean;
  /** Install into the active virtual or conda environment. */
  sysPrefix?: boolean;
  /** Name under which Jupyter finds it, as a notebook's metadata asks for it; default `ssm-scope`, or the kernel's. */
  name?: string;
}

export interface InstallOptions extends KernelPlace {
  /** Which of `KERNELS`; default `ssm-scope`. */
  kernel?: KernelName;
  /** Replace a kernelspec of that name that is not ours, runs another copy of this package or is in another folder. */
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

/** Writes a kernelspec, filled with this Node and this package, and says in which folder. */
export function installKernel({
  kernel = "ssm-scope",
  force = false,
  ...place
}: InstallOptions = {}): string {
  if (!existsSync(KERNEL)) throw new UserError(`${KERNEL} is missing: run \`npm run build\` first`);
  const folder = specFolder({ name: kernel, ...place });
  const elsewhere = sameNameElsewhere(folder);
  if (!force) refuseToReplace(folder, elsewhere);
  writeSpec(folder, filledSpec(kernel), kernel);
  for (const { folder: other } of elsewhere) rmSync(other, { recursive: true });
  return folder;
}

/** Ours of that name in other folders, where Jupyter would find both and start either. */
function sameNameElsewhere(folder: string): InstalledKernel[] {
  if (!kernelFolders().includes(dirname(folder))) return [];
  return listKernels().filter((kernel) => kernel.name === basename(folder) && kernel.folder !== folder);
}

function refuseToReplace(folder: string, [elsewhere]: readonly InstalledKernel[]): void {
  if (elsewhere)
    throw new UserError(
      `${elsewhere.name} is already installed in ${elsewhere.folder}: --force to replace it by one in ${folder}`,
    );
  if (!existsSync(folder)) return;
  if (!isOurs(folder))
    throw new UserError(
      `${folder} holds a kernelspec that is not ours: choose another --name, or --force to replace it`,
    );
  const runs = readSpec(folder)?.argv[1];
  if (runs !== undefined && runs !== KERNEL && existsSync(runs))
    throw new UserError(`${folder} runs another copy of ssm-scope, ${runs}: --force to replace it`);
}

function writeSpec(folder: string, spec: KernelSpec, kernel: KernelName): void {
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    cpSync(join(TEMPLATES, kernel), folder, { recursive: true });
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

function specFolder({ name = "ssm-scope", ...place }: KernelPlace): string {
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

function filledSpec(kernel: KernelName): KernelSpec {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as { version: string };
  const values: Record<string, string> = { "{node}": process.execPath, "{kernel}": KERNEL };
  const template = join(TEMPLATES, kernel);
  const spec = readSpec(template);
  if (!spec) throw new Error(`${template}/kernel.json is missing from the package`);
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
    .option("--prefix <dir>", "in <dir>/share/jupyter/kernels");

/** The kernels to install. A name of one's own is for one of them. */
function chosenKernels(names: readonly string[], { name }: KernelPlace): KernelName[] {
  const kernels = names.map((each) => {
    const kernel = KERNELS.find((known) => known === each);
    if (!kernel) throw new UserError(`there is no kernel ${each}; there are ${KERNELS.join(", ")}`);
    return kernel;
  });
  if (name === undefined) return kernels.length > 0 ? kernels : [...KERNELS];
  if (kernels.length > 1)
    throw new UserError(
      `--name ${name} is for one kernel, and there are ${kernels.length}: ${names.join(", ")}`,
    );
  return kernels.length > 0 ? kernels : ["ssm-scope"];
}

/** The kernelspecs to remove: those named, or all of ours in the place. */
function namesToRemove(names: readonly string[], options: KernelPlace): string[] {
  if (names.length > 0) return [...names];
  const there = KERNELS.filter((name) => existsSync(specFolder({ ...options, name })));
  return there.length > 0 ? there : ["ssm-scope"];
}

function install(names: readonly string[], options: InstallOptions): void {
  for (const kernel of chosenKernels(names, options))
    console.log(`Installed the kernelspec in ${installKernel({ ...options, kernel })}`);
  if (onPath("jupyter") === null) console.error(`Jupyter is not on PATH: ${WITHOUT_JUPYTER}`);
}

/** `ssm-scope kernel install | list | remove`. */
export function kernelCommand(): Command {
  const command = new Command("kernel").description("make the TypeScript kernels known to Jupyter");
  place(command.command("install").description("install kernelspecs"))
    .argument("[name...]", `which of ${KERNELS.join(", ")} (default: all)`)
    .option("--name <name>", "install one kernel under a name of your own")
    .option("--force", "replace a kernelspec of that name that is not ours, or is in another folder")
    .addHelpText("after", HELP)
    .action(install);
  command
    .command("list")
    .description("list the kernelspecs of ssm-scope that Jupyter finds from here")
    .action(() => {
      const kernels = listKernels();
      for (const { name, displayName, folder, problem } of kernels)
        console.log(`${name}  ${displayName}  ${folder}${problem ? `  (${problem})` : ""}`);
      if (kernels.length === 0) console.log("No kernelspec of ssm-scope here: ssm-scope kernel install");
    });
  place(command.command("remove").description("remove kernelspecs"))
    .argument("[name...]", "as `ssm-scope kernel list` shows them (default: all of this place)")
    .action((names: string[], options: KernelPlace) => {
      for (const name of namesToRemove(names, options))
        console.log(`Removed ${removeKernel({ ...options, name })}`);
    });
  return command;
}

const HELP = `
Kernels:
  ssm-scope         TypeScript; a cell imports what it needs: import { show } from "ssm-scope"
  ssm-scope-loaded  every name of the library, and run, are there without an import
  ssm-scope-cuda    the same, and says first whether cells can measure on the GPU

JupyterLab, the classic Notebook, VS Code (its Jupyter extension) and \`jupyter execute\` find them there.`;
