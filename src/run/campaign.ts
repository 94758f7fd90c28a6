import { existsSync, mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { appendRows, readJsonLines, ROWS_FILE, type Row, type WarningOptions } from "../record/index.js";

/** The rows of one sweep on one machine, in one folder; rows are on disk as soon as they are added. */
export interface Campaign {
  readonly name: string;
  readonly folder: string;
  /** Rows that were there when the campaign was opened. */
  readonly earlier: readonly Row[];
  add(row: Row): void;
}

/** A campaign in `folder`; one that already holds rows is opened only to go on with it. */
export function openCampaign(
  folder: string,
  resume: boolean,
  { onWarning = console.warn }: WarningOptions = {},
): Campaign {
  const file = join(folder, ROWS_FILE);
  const name = basename(resolve(folder));
  const { rows: earlier, cut } = existsSync(file) ? readJsonLines(file) : { rows: [], cut: null };
  if (earlier.length > 0 && !resume)
    throw new UserError(
      `${folder} already holds a campaign of ${earlier.length} rows; go on with it (--resume) or choose another folder (--out)`,
    );
  if (cut !== null) onWarning(`${cut}; its sample is taken again`);
  mkdirSync(folder, { recursive: true });
  return {
    name,
    folder,
    earlier,
    add: (row) => {
      appendRows(file, [row], { onWarning });
    },
  };
}

/** A campaign that is kept in memory only, for a notebook cell that just wants a table. */
export const memoryCampaign = (name: string): Campaign => ({
  name,
  folder: "",
  earlier: [],
  add: () => undefined,
});
