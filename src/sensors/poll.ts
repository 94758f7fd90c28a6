import { UserError } from "../errors.js";
import { iterate, type OpenOptions, type OpenSensor, type Sample, type Values } from "./sensor.js";

export function checkInterval(intervalMs: number): void {
  if (!(intervalMs >= 1 && intervalMs < 2 ** 31))
    throw new UserError(`The interval between two samples is ${intervalMs} ms; it must be 1 or more.`);
}

/**
 * A source that is asked at a set rate. Samples are due at whole intervals after the first, so that the time a reading
 * takes does not add up; those that are overdue are left out.
 */
export function poll(
  read: () => Values,
  intervalMs: number,
  { clock = () => performance.now() }: OpenOptions,
  problem: () => string | null,
): OpenSensor {
  let due: number | null = null;
  let closed = false;
  let stop: (() => void) | null = null;
  const take = (): Sample => {
    const at_ms = clock();
    due ??= at_ms;
    due += intervalMs * (Math.floor(Math.max(0, at_ms - due) / intervalMs) + 1);
    return { at_ms, device: null, values: read() };
  };
  const sensor: OpenSensor = {
    sample: () => {
      const wait = due === null ? 0 : due - clock();
      if (closed) return Promise.resolve(null);
      if (wait <= 0) return Promise.resolve(take());
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
    close: () => {
      closed = true;
      stop?.();
      return Promise.resolve();
    },
    [Symbol.asyncIterator]: () => iterate(sensor),
  };
  return sensor;
}
