import { closeSync, openSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { processStart } from "./process-start.js";

/** Who holds a folder. All of it is in the name of the lock's file, so that none is ever half written. */
interface Holder {
  readonly pid: number;
  /** See `processStart`. */
  readonly start: string;
  readonly host: string;
}

const NAME = /^lock-(\d+)-(\d+)@(.+)$/;

const fileName = ({ pid, start, host }: Holder): string => `lock-${pid}-${start}@${host}`;

/** The host's name as a file may be called. */
const ownHost = (): string => os.hostname().replaceAll(/[^\w.-]/g, "_");

/** Two that claim a folder in the same moment both give way; they try again this often, at different times. */
const TRIES = 6;
const PAUSE_MS = 40;

/**
 * Holds a folder for this process until it is disposed of, or throws a UserError that says who holds it. A claim is a file
 * of its holder's own name: laid down first, and given up where another one that counts is found. A process that was killed
 * leaves a file that nobody can come back to, so that removing it takes over no one else's claim; a lock with a heartbeat
 * would be lost while native code keeps the event loop. Of another host, whose processes cannot be seen, every claim counts.
 */
export function lockFolder(folder: string): Disposable {
  const me: Holder = { pid: process.pid, start: processStart(process.pid) ?? "0", host: ownHost() };
  for (let tries = 1; ; tries++) {
    const held = claim(folder, me);
    if (held === null)
      return {
        [Symbol.dispose]: () => {
          rmSync(join(folder, fileName(me)), { force: true });
        },
      };
    if (tries === TRIES || held.host !== me.host || held.pid === me.pid)
      throw new UserError(refusal(folder, held, me));
    pause(PAUSE_MS * (0.5 + Math.random()));
  }
}

/** Lays a claim; gives it up and tells who was there where somebody was. */
function claim(folder: string, me: Holder): Holder | null {
  const mine = join(folder, fileName(me));
  try {
    closeSync(openSync(mine, "wx"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return me;
    throw error;
  }
  // Of those found, and of no later claim: its holder, who finds ours, gives way.
  const found = others(folder, me);
  const other = found.find((holder) => runs(holder, me.host));
  for (const gone of other ? [me] : found) rmSync(join(folder, fileName(gone)), { force: true });
  return other ?? null;
}

function others(folder: string, me: Holder): Holder[] {
  return readdirSync(folder).flatMap((name) => {
    const [, pid, start, host] = NAME.exec(name) ?? [];
    return pid === undefined || name === fileName(me)
      ? []
      : [{ pid: Number(pid), start: start!, host: host! }];
  });
}

const runs = ({ pid, start, host }: Holder, here: string): boolean =>
  host !== here || processStart(pid) === start;

function refusal(folder: string, held: Holder, me: Holder): string {
  if (held.host !== me.host)
    return `${folder} is in use by process ${held.pid} on ${held.host}; wait for it, or, if it runs no longer, delete ${join(folder, fileName(held))}`;
  return held.pid === me.pid
    ? `${folder} is already in use by this process; wait for its other sweep`
    : `${folder} is in use by process ${held.pid}; wait for it or end it, or choose another folder (--out)`;
}

const pause = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};
