import { createWriteStream } from "node:fs";
import { copyFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { list } from "tar";
import { openPromise } from "yauzl";
import { UserError } from "../../errors.js";
import { PROVIDER_FILES } from "../../ort/cuda/provider.js";

/** Takes the provider's files, wherever they lie in it, out of a folder, a zip or a tarball, and puts them into `target`. */
export async function unpack(path: string, target: string): Promise<void> {
  const taken = /\.(whl|zip|nupkg)$/.test(path)
    ? await fromZip(path, target)
    : /\.(tgz|tar\.gz)$/.test(path)
      ? await fromTarball(path, target)
      : await fromFolder(path, target);
  const missing = PROVIDER_FILES.filter((name) => !taken.has(name));
  if (missing.length > 0) throw new UserError(`There is no ${missing.join(" and no ")} in ${path}.`);
}

/** The provider's file that a path in an archive names, or null; of several for the same file, the first is taken. */
function wanted(entry: string, taken: ReadonlySet<string>): string | null {
  const name = basename(entry);
  return PROVIDER_FILES.some((file) => file === name) && !taken.has(name) && isForThisMachine(entry)
    ? name
    : null;
}

/** Packages for several machines name them in their folders. */
function isForThisMachine(entry: string): boolean {
  const other = process.arch === "arm64" ? /\b(x64|x86_64)\b/ : /\b(arm64|aarch64)\b/;
  return !other.test(entry);
}

async function fromZip(path: string, target: string): Promise<Set<string>> {
  const taken = new Set<string>();
  try {
    const zip = await openPromise(path, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        const name = wanted(entry.fileName, taken);
        if (name === null) continue;
        taken.add(name);
        await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(target, name)));
      }
    } finally {
      zip.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return taken;
}

async function fromTarball(path: string, target: string): Promise<Set<string>> {
  const taken = new Set<string>();
  const written: Promise<void>[] = [];
  try {
    await list({
      file: path,
      strict: true,
      onReadEntry: (entry) => {
        const name = entry.type === "File" ? wanted(entry.path, taken) : null;
        if (name === null) return;
        taken.add(name);
        written.push(pipeline(entry, createWriteStream(join(target, name))));
      },
    });
    await Promise.all(written);
  } catch (error) {
    throw unreadable(path, error);
  }
  return taken;
}

/** Far enough for site-packages/onnxruntime/capi and its like; a person may name a folder with everything in it. */
const DEPTH = 4;

async function fromFolder(path: string, target: string): Promise<Set<string>> {
  const taken = new Set<string>();
  const visit = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries) {
      const file = join(folder, entry.name);
      const name = entry.isDirectory() ? null : wanted(file.slice(path.length), taken);
      if (name === null) continue;
      taken.add(name);
      await copyFile(file, join(target, name));
    }
    for (const entry of entries)
      if (entry.isDirectory() && depth < DEPTH && taken.size < PROVIDER_FILES.length)
        await visit(join(folder, entry.name), depth + 1);
  };
  await visit(path, 0);
  return taken;
}

/** Trouble with the system has a code and a path; all else is the archive's. */
function unreadable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && /^E[A-Z]+$/.test(code)
    ? error
    : new UserError(`${path} cannot be unpacked: ${message}.`);
}
