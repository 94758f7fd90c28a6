/**
 * Cells import from `node_modules`, looked up from the notebook's folder upwards. Where none there holds `ssm-scope`,
 * what is installed beside this copy of it is found last, as if it lay in the file system's root: so a kernel that is
 * installed once serves notebooks in any folder. The compiler and Node look modules up each in their own way.
 */
import { createRequire, Module } from "node:module";
import { basename, delimiter, dirname, join, parse, resolve } from "node:path";
import { loadCompiler } from "./tslab.js";

const PACKAGE = resolve(import.meta.dirname, "../..");

/** The `node_modules` that holds this package: around it where it is installed, inside it in a checkout. */
const LENT = basename(dirname(PACKAGE)) === "node_modules" ? dirname(PACKAGE) : join(PACKAGE, "node_modules");

/** Call before tslab's compiler is made, with the folder of the notebook. Does nothing where it has `ssm-scope`. */
export function lendModules(folder: string): void {
  if (finds(folder)) return;
  lendToNode();
  lendToCompiler(parse(folder).root);
}

function finds(folder: string): boolean {
  try {
    createRequire(join(folder, "cell.js")).resolve("ssm-scope");
    return true;
  } catch {
    return false;
  }
}

/** `NODE_PATH` is read once at start, and again by this function without a documented name. */
function lendToNode(): void {
  process.env.NODE_PATH = [process.env.NODE_PATH, LENT].filter(Boolean).join(delimiter);
  (Module as unknown as { _initPaths: () => void })._initPaths();
}

function lendToCompiler(root: string): void {
  const { sys } = loadCompiler();
  const place = `${root.replaceAll("\\", "/")}node_modules`;
  const isLent = (path: string): boolean => path === place || path.startsWith(`${place}/`);
  const lent = (path: string): string => {
    if (!isLent(path)) return path;
    // A checkout lies in itself: its packages must have one name each, or inferred types cannot be written down.
    if (path.startsWith(`${place}/ssm-scope/node_modules`)) return NOWHERE;
    return LENT + path.slice(place.length);
  };
  const { fileExists, readFile, directoryExists, getDirectories, realpath } = sys;
  sys.fileExists = (path) => fileExists(lent(path));
  sys.readFile = (path, encoding) => readFile(lent(path), encoding);
  sys.directoryExists = (path) => directoryExists(lent(path));
  sys.getDirectories = (path) => getDirectories(lent(path));
  sys.realpath = (path) => (isLent(path) ? path : realpath(path));
}

const NOWHERE = "";
