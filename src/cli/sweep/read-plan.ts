import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UserError } from "../../errors.js";
import { loadCompiler } from "../../notebook/tslab.js";

/**
 * What a plan's file holds: JSON, or the default export of a module (.js, .mjs, .ts). UserError that names the file and what
 * is wrong with it.
 */
export async function readPlan(path: string): Promise<unknown> {
  switch (extname(path)) {
    case ".json":
      return parseJson(readText(path), path);
    case ".js":
    case ".mjs":
      readText(path);
      return await defaultExport(path, pathToFileURL(resolve(path)).href);
    case ".ts":
      return await defaultExport(
        path,
        `data:text/javascript,${encodeURIComponent(transpile(readText(path)))}`,
      );
    default:
      throw new UserError(`${path}: a plan is a .json, .js, .mjs or .ts file`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(`${path}: the plan cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path}: ${placed((error as Error).message, text)}`);
  }
}

/** What JSON.parse says, with line and column where it says a position alone. */
function placed(message: string, text: string): string {
  const position = /at position (\d+)$/.exec(message)?.[1];
  if (position === undefined) return message;
  const lines = text.slice(0, Number(position)).split("\n");
  return `${message} (line ${lines.length} column ${lines.at(-1)!.length + 1})`;
}

/** Node 20 reads no TypeScript; the compiler of the notebooks does. Types are left to the author's editor. */
function transpile(text: string): string {
  const { transpileModule, ScriptTarget, ModuleKind } = loadCompiler();
  return transpileModule(text, {
    compilerOptions: { target: ScriptTarget.ES2020, module: ModuleKind.ESNext },
  }).outputText;
}

async function defaultExport(path: string, url: string): Promise<unknown> {
  let module: { default?: unknown };
  try {
    module = (await import(url)) as { default?: unknown };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const hint = path.endsWith(".ts")
      ? "; a plan in TypeScript may import types only, one in .mjs anything"
      : "";
    throw new UserError(`${path}: the plan cannot be loaded: ${(error as Error).message}${hint}`);
  }
  if (module.default === undefined) throw new UserError(`${path}: the plan has no default export`);
  return module.default;
}
