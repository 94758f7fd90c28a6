import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a file beside its place and moves it there when it is whole, so that no reader meets half of it. */
export async function writeWholeFile(
  path: string,
  write: (draft: string) => Promise<void> | void,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.part`;
  try {
    await write(draft);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The same for bytes or text. */
export const writeWhole = (path: string, content: string | Uint8Array): Promise<void> =>
  writeWholeFile(path, (draft) => {
    writeFileSync(draft, content, { flush: true });
  });
