import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { ROWS_FILE } from "./load.js";

/** How deep campaigns may lie below a folder: `out/shard-1-of-4` is one, `data/MACHINE/CAMPAIGN` two. */
const DEPTH = 2;

/**
 * The files of rows behind a path: the file itself, the rows.jsonl of a campaign, or those of all campaigns below a
 * folder, sorted. Throws `UserError` where there is none.
 */
export function rowFiles(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`There is no file or folder ${path}.`);
  if (!found.isDirectory()) return [path];
  const files = campaignFiles(path, DEPTH);
  if (files.length > 0) return files;
  throw new UserError(
    `The folder ${path} holds no ${ROWS_FILE}, nor do the folders in it: it is no campaign.`,
  );
}

function campaignFiles(folder: string, depth: number): string[] {
  const own = join(folder, ROWS_FILE);
  if (statSync(own, { throwIfNoEntry: false })) return [own];
  if (depth === 0) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = below.map(({ name }) => name).filter((name) => !name.startsWith("."));
  return names.sort(byNumber).flatMap((name) => campaignFiles(join(folder, name), depth - 1));
}

/** shard-2-of-10 before shard-10-of-10. */
const byNumber = new Intl.Collator("en", { numeric: true }).compare;
