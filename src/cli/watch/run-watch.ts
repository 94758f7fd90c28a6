import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { UserError } from "../../errors.js";
import {
  firstAnswering,
  MACHINE_SENSORS,
  replay,
  sensorOf,
  sourceSpec,
  type OpenSensor,
  type ReplayOptions,
  type Sample,
} from "../../sensors/index.js";
import type { WatchFlags } from "../watch.js";
import { Meter } from "./meter.js";
import { joules, plainLine, view } from "./view.js";

/** Readings a second: as fast as one looks, or as one reads a log. */
const RATE_HZ = { screen: 10, jsonl: 10, lines: 1 } as const;
type Form = keyof typeof RATE_HZ;

/** Where the samples come from, and how it is called. */
interface Watched {
  readonly name: string;
  readonly opened: OpenSensor;
}

/** Follows the sensor until it ends, its time is over, or Ctrl-C, which is how one ends a watch: no error. */
export async function watch(flags: WatchFlags): Promise<void> {
  const form: Form = flags.jsonl ? "jsonl" : process.stdout.isTTY ? "screen" : "lines";
  const intervalMs = 1000 / (flags.rate ?? RATE_HZ[form]);
  const warnings: string[] = [];
  const onWarning = (sentence: string): void => {
    warnings.push(sentence);
    if (form !== "screen") console.error(sentence);
  };
  const { name, opened } = await openWatched(flags, intervalMs, onWarning);
  const show = SHOW[form](name, warnings, intervalMs);
  const meters = new Map<string | null, Meter>();
  const stop = (): void => void opened.close();
  const timer = flags.duration === undefined ? undefined : setTimeout(stop, 1000 * flags.duration);
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    for await (const sample of opened) {
      const { device } = sample;
      const meter = meters.get(device) ?? new Meter();
      meters.set(device, meter);
      meter.add(sample);
      show.sample(sample, meters);
    }
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
  show.end(meters);
}

async function openWatched(
  flags: WatchFlags,
  intervalMs: number,
  onWarning: (sentence: string) => void,
): Promise<Watched> {
  if (flags.from !== undefined) {
    const name = flags.from === "-" ? "stdin" : flags.from;
    const opened = await replay(flags.from === "-" ? process.stdin : flags.from, replayOptions(flags)).open({
      onWarning,
    });
    return { name, opened };
  }
  const stray = flags.interval !== undefined ? "--interval" : flags.fields ? "--fields" : null;
  if (stray !== null) throw new UserError(`${stray} is of a recording; give it with --from`);
  const sensors = MACHINE_SENSORS.map(({ source }) =>
    sensorOf(sourceSpec(source, Math.max(1, Math.round(intervalMs)))),
  );
  const able = sensors.filter(({ source }) => flags.source === undefined || source === flags.source);
  if (able.length === 0)
    throw new UserError(
      `there is no source "${flags.source!}"; it must be ${sensors.map(({ source }) => source).join(" or ")}`,
    );
  const found = await firstAnswering(able, () => true, "anything", onWarning);
  if (found.opened === null) throw new UserError(found.reason);
  return { name: found.sensor.source, opened: found.opened };
}

/** A stream that is being written has the time at which it comes; a file that of its stamps, or its interval. */
function replayOptions({ from, interval, fields }: WatchFlags): ReplayOptions {
  const time = interval !== undefined ? { intervalMs: interval } : from === "-" ? "received" : "recorded";
  return { time, ...(fields && { fields }) };
}

interface Show {
  sample(sample: Sample, meters: ReadonlyMap<string | null, Meter>): void;
  end(meters: ReadonlyMap<string | null, Meter>): void;
}

type MakeShow = (name: string, warnings: readonly string[], intervalMs: number) => Show;

const SHOW: Record<Form, MakeShow> = {
  jsonl: () => ({
    sample: ({ at_ms, device, values }, meters) => {
      const energy_since_start_j = meters.get(device)!.joules;
      console.log(JSON.stringify({ at_ms, device, ...values, energy_since_start_j }));
    },
    end: () => undefined,
  }),

  /** A line of each device once an interval, by the time of the samples. */
  lines: (_name, _warnings, intervalMs) => {
    const due = new Map<string | null, number>();
    return {
      sample: ({ at_ms, device }, meters) => {
        const dueMs = due.get(device) ?? at_ms;
        // A little early is in time: timers are not exact.
        if (at_ms < dueMs - 0.05 * intervalMs) return;
        due.set(device, (at_ms < dueMs + intervalMs ? dueMs : at_ms) + intervalMs);
        console.log(plainLine(device, meters.get(device)!));
      },
      end: printTotals,
    };
  },

  /** Drawn over itself, not faster than a terminal can follow. */
  screen: (name, warnings, intervalMs) => {
    const { stdout } = process;
    let drawn = 0;
    let drawnAt = -Infinity;
    const draw = (meters: ReadonlyMap<string | null, Meter>): void => {
      const seconds = Math.max(0, ...[...meters.values()].map((meter) => meter.seconds));
      const title = `ssm-scope watch  ${name}  ${seconds.toFixed(0)} s  Ctrl-C ends`;
      const lines = view(title, meters, warnings.slice(-3), { columns: stdout.columns, rows: stdout.rows });
      moveCursor(stdout, 0, -drawn);
      cursorTo(stdout, 0);
      clearScreenDown(stdout);
      stdout.write(`${lines.join("\n")}\n`);
      drawn = lines.length;
    };
    return {
      sample: (_sample, meters) => {
        const now = performance.now();
        if (now - drawnAt < Math.max(50, 0.9 * intervalMs)) return;
        drawnAt = now;
        draw(meters);
      },
      end: draw,
    };
  },
};

function printTotals(meters: ReadonlyMap<string | null, Meter>): void {
  for (const [device, { joules: drawn, powers, seconds }] of meters) {
    const name = device === null ? "" : `${device}: `;
    const mean = powers === null ? "" : `, mean ${powers.meanW.toFixed(1)} W`;
    console.log(`${name}${joules(drawn)} in ${seconds.toFixed(1)} s${mean}`);
  }
}
