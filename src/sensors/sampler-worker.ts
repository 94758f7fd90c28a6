/** The thread of the sampler: opens the sensors, keeps what they tell, and answers. See sampler.ts. */
import { constants, setPriority } from "node:os";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { UserError } from "../errors.js";
import { SampleStore } from "./sample-store.js";
import type { SourceSample } from "./sampler.js";
import type { OpenSensor } from "./sensor.js";
import { sensorOf, type SourceName, type SourceSpec } from "./sources.js";

export interface WorkerData {
  specs: readonly SourceSpec[];
  capacity: number;
  /** From milliseconds of `process.hrtime` to the clock of the thread that asks. */
  clockOffsetMs: number;
}

export type Request = { since: number } | "stop";

/** The first one is not asked for: it says that the sources are open. Beside answers, sentences are sent. */
export interface Answer {
  samples: SourceSample[];
  lost: number;
  /** Sources that could be opened. */
  open: number;
}

interface Opened {
  source: SourceName;
  sensor: OpenSensor;
  /** Until its samples end. */
  read: Promise<void>;
  count: number;
}

if (parentPort) void serve(parentPort, workerData as WorkerData);

async function serve(port: MessagePort, { specs, capacity, clockOffsetMs }: WorkerData): Promise<void> {
  const clock = (): number => Number(process.hrtime.bigint()) / 1e6 + clockOffsetMs;
  const store = new SampleStore<SourceSample>(capacity);
  const opened: Opened[] = [];
  const warn = (sentence: string): void => {
    port.postMessage(sentence);
  };
  const tooFast = new Set<Opened>();
  const answer = (samples: SourceSample[]): void => {
    for (const one of opened) {
      if (tooFast.has(one) || !isTooFast(one)) continue;
      tooFast.add(one);
      warn(
        `${one.source} cannot be read as often as asked for: beside ${one.count} samples, ${one.sensor.lost!} were due and not taken.`,
      );
    }
    const lost = opened.reduce((sum, { sensor }) => sum + (sensor.lost ?? 0), store.dropped);
    port.postMessage({ samples, lost, open: opened.length } satisfies Answer);
  };

  port.on("message", (request: Request) => {
    if (request !== "stop") {
      answer(store.since(request.since));
      return;
    }
    void close(opened).then(() => {
      answer(store.since(-Infinity));
    });
  });
  for (const spec of specs) {
    try {
      const sensor = await sensorOf(spec).open({ onWarning: warn, clock });
      opened.push(follow(spec.source, sensor, store, warn));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(error.message);
    }
  }
  raisePriority(); // not before: programs that sensors start would inherit it
  answer([]);
}

function follow(
  source: SourceName,
  sensor: OpenSensor,
  store: SampleStore<SourceSample>,
  warn: (sentence: string) => void,
): Opened {
  const read = async (): Promise<void> => {
    try {
      for await (const sample of sensor) {
        store.push({ ...sample, source });
        one.count++;
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      warn(error.message);
    }
  };
  const one: Opened = { source, sensor, count: 0, read: Promise.resolve() };
  one.read = read();
  return one;
}

/**
 * A thread that sleeps and works for a moment in turns loses samples on a machine whose cores are all busy. On Linux
 * priorities are of threads, and 0 is this one; only root and who has CAP_SYS_NICE may raise one.
 */
function raisePriority(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(0, constants.priority.PRIORITY_HIGHEST);
  } catch {
    // As it is.
  }
}

async function close(opened: readonly Opened[]): Promise<void> {
  await Promise.all(opened.map(({ sensor }) => sensor.close()));
  await Promise.all(opened.map(({ read }) => read));
}

/** A sample in twenty: less is a machine that was busy for a moment. */
const isTooFast = ({ sensor: { lost = 0 }, count }: Opened): boolean =>
  lost + count >= 40 && lost > (lost + count) / 20;
