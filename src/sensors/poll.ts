import { UserError } from "../errors.js";
import { iterate, type OpenOptions, type OpenSensor, type Sample, type Values } from "./sensor.js";

export function checkInterval(intervalMs: number): void {
  if (!(intervalMs >= 1 && intervalMs < 2 ** 31))
    throw new UserError(`The interval between two samples is ${intervalMs} ms; it must be 1 or more.`);
}

/**
 * A source that is asked at a set rate. Samples are due at whole intervals after the first, so that the time a reading
 * takes does not add up; those that are overdue are left out and counted.
 */
export function poll(
  read: () => Values,
  intervalMs: number,
  options: OpenOptions,
  problem: () => string | null,
): OpenSensor {
  const one = (at_ms: number): Sample[] => [{ at_ms, device: null, values: read() }];
  return pollSamples(one, intervalMs, options, problem);
}

/**
 * The same of a source that tells several samples at a time. The readings end where it tells none.
 *
 * @param lateMs how late a sample may be taken before it is left out: those that are due meanwhile follow at once
 */
export function pollSamples(
  read: (at_ms: number) => readonly Sample[],
  intervalMs: number,
  { clock = () => performance.now() }: OpenOptions,
  problem: () => string | null,
  lateMs = intervalMs,
): OpenSensor {
  const mostOverdue = Math.ceil(lateMs / intervalMs) - 1;
  let due: number | null = null;
  let lost = 0;
  let closed = false;
  let stop: (() => void) | null = null;
  const told: Sample[] = [];
  const take = (): Sample | null => {
    const at_ms = clock();
    due ??= at_ms;
    const overdue = Math.floor(Math.max(0, at_ms - due) / intervalMs);
    const missed = Math.max(0, overdue - mostOverdue);
    lost += missed;
    due += intervalMs * (missed + 1);
    told.push(...read(at_ms));
    closed ||= told.length === 0;
    return told.shift() ?? null;
  };
  const sensor: OpenSensor = {
    sample: () => {
      if (closed) return Promise.resolve(null);
      if (told.length > 0) return Promise.resolve(told.shift()!);
      if (due === null) return Promise.resolve(take());
      // Also where the next one is due already: a source slower than its interval would let nothing else run.
      const wait = Math.max(0, due - clock());
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          resolve(take());
        }, wait);
        stop = () => {
          clearTimeout(timer);
          resolve(null);
        };
      });
    },
    get problem() {
      return problem();
    },
    get lost() {
      return lost;
    },
    close: () => {
      closed = true;
      stop?.();
      return Promise.resolve();
    },
    [Symbol.asyncIterator]: () => iterate(sensor),
  };
  return sensor;
}
