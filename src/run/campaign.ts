import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { UserError } from "../errors.js";
import { appendRows, readJsonLines, ROWS_FILE, type Row, type WarningOptions } from "../record/index.js";
import { lockFolder } from "./lock.js";
import { processStart } from "./process-start.js";

/** The rows of one sweep on one machine, in one folder; rows are on disk as soon as they are added. */
export interface Campaign extends Disposable {
  readonly name: string;
  readonly folder: string;
  /** Rows that were there when the campaign was opened. */
  readonly earlier: readonly Row[];
  add(row: Row): void;
  /** A cell is about to be measured by the process `pid`. */
  begin(flight: Omit<InFlight, "pidStart">): void;
  /** None is any more. */
  rest(): void;
}

/** What is noted while a cell is measured, for the case that nobody can tell its end. */
interface InFlight {
  /** Its row then, without status. */
  readonly row: Row;
  /** Rows that the campaign held at the time, and that the cell should add. */
  readonly rowsBefore: number;
  readonly rowsDue: number;
  readonly pid: number;
  readonly pidStart: string | null;
}

/** Where the cell in flight is noted. */
const IN_FLIGHT = "in-flight.json";

/**
 * A campaign in `folder`, held until it is disposed of; one that already holds rows is opened only to go on with it. The cell
 * that was in flight when an earlier process was killed becomes an `interrupted` row, and a process that it left is ended.
 *
 * UserError for a folder that cannot be written to or is in use, and, later, for a disk that is full.
 */
export function openCampaign(
  folder: string,
  resume: boolean,
  { onWarning = console.warn }: WarningOptions = {},
): Campaign {
  const file = join(folder, ROWS_FILE);
  const name = basename(resolve(folder));
  const lock = writable(folder, () => {
    mkdirSync(folder, { recursive: true });
    if (existsSync(file)) accessSync(file, constants.W_OK);
    return lockFolder(folder);
  });
  try {
    const { rows: earlier, cut } = existsSync(file) ? readJsonLines(file) : { rows: [], cut: null };
    if (earlier.length > 0 && !resume)
      throw new UserError(
        `${folder} already holds a campaign of ${earlier.length} rows; go on with it (--resume) or choose another folder (--out)`,
      );
    if (cut !== null) onWarning(`${cut}; its sample is taken again`);
    const flight = join(folder, IN_FLIGHT);
    let rows = earlier.length;
    const add = (row: Row): void => {
      roomy(file, rows, () => {
        appendRows(file, [row], { onWarning });
        if (rows === 0) flushNames(folder);
      });
      rows++;
    };
    const lost = interruption(readInFlight(flight), earlier);
    if (lost) {
      add(lost);
      earlier.push(lost);
    }
    const rest = (): void => {
      rmSync(flight, { force: true });
    };
    rest();
    return {
      name,
      folder,
      earlier,
      add,
      begin: (next) => {
        roomy(file, rows, () => {
          // Whole or not at all.
          writeFileSync(`${flight}.new`, JSON.stringify({ ...next, pidStart: processStart(next.pid) }));
          renameSync(`${flight}.new`, flight);
        });
      },
      rest,
      [Symbol.dispose]: () => {
        rest();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** A campaign that is kept in memory only, for a notebook cell that just wants a table. */
export const memoryCampaign = (name: string): Campaign => ({
  name,
  folder: "",
  earlier: [],
  add: () => undefined,
  begin: () => undefined,
  rest: () => undefined,
  [Symbol.dispose]: () => undefined,
});

/** Says in a sentence why a folder cannot be written to. */
function writable<T>(folder: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof UserError || code === undefined) throw error;
    throw new UserError(`${folder} cannot be written to (${code}); choose another folder (--out)`);
  }
}

/** What the system says of a disk, a quota or a file size that is used up, and of a disk that fails. */
const FULL = ["ENOSPC", "EDQUOT", "EFBIG", "EIO"];

/** Says in a sentence that there is no room for more, and what there is. */
function roomy(file: string, rows: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!FULL.includes(code ?? "")) throw error;
    throw new UserError(
      `${file} takes no more (${code}); its ${rows} rows are whole: make room, and go on with --resume`,
    );
  }
}

/** What the last process noted; null where it came to its end, or the machine stopped before the note was on its disk. */
function readInFlight(file: string): InFlight | null {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as InFlight) : null;
  } catch {
    return null;
  }
}

/** Rows that are flushed are there after a power cut only if their file's name is. */
function flushNames(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The row of a cell whose end nobody told; null where the rows tell it. The process that measured it is ended. */
function interruption(flight: InFlight | null, earlier: readonly Row[]): Row | null {
  if (flight === null) return null;
  const { row, rowsBefore, rowsDue, pid, pidStart } = flight;
  // It may hang in native code, and hold the device.
  if (pidStart !== null && pid !== process.pid && processStart(pid) === pidStart)
    process.kill(pid, "SIGKILL");
  const since = earlier.slice(rowsBefore).filter(({ cell }) => cell === row.cell);
  const ended = since.some(({ status }) => status !== "ok" && status !== "skipped");
  if (ended || since.length >= rowsDue) return null;
  return {
    ...row,
    status: "interrupted",
    status_reason: `the sweep was killed, or its machine stopped, after ${since.length} of ${rowsDue} rows of this cell`,
  };
}
