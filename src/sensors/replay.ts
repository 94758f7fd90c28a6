import { createReadStream, existsSync } from "node:fs";
import { Readable } from "node:stream";
import { UserError } from "../errors.js";
import { excerpt, LineCutter } from "./lines.js";
import { nvidiaSmiColumns, nvidiaSmiReader } from "./nvidia-smi-reader.js";
import type { Reader, Reading } from "./reader.js";
import { RecordedClock, type ReplayTime } from "./recorded-clock.js";
import {
  iterate,
  warnOnce,
  type OpenOptions,
  type OpenSensor,
  type Sample,
  type Sensor,
  type Warnings,
} from "./sensor.js";
import { spreadSeconds } from "./spread-seconds.js";
import { tegrastatsReader } from "./tegrastats-reader.js";

/** What the recording is, and its clock. */
export interface ReplayOptions {
  /** Default: told by the first line that is of either. */
  format?: "tegrastats" | "nvidia-smi";
  /** What was asked of nvidia-smi's `--query-gpu`, for a recording without a header. */
  fields?: readonly string[];
  /**
   * Times of the samples. `recorded` (default): the time stamps, to the millisecond from nvidia-smi; tegrastats tells whole
   * seconds, over which its readings are spread evenly, once the next one is over. `received`: when it is fetched, for a stream
   * that is being written; or the interval of the recording.
   */
  time?: ReplayTime;
}

type Chunks = AsyncIterable<string | Uint8Array>;

/**
 * A recording of tegrastats, or of `nvidia-smi --query-gpu=... --format=csv`, as a sensor: a file, or a stream such as
 * stdin. It is read as fast as it is fetched.
 */
export function replay(recording: string | Chunks, options: ReplayOptions = {}): Sensor {
  const name = typeof recording === "string" ? recording : "the stream";
  return {
    source: "replay",
    discover: () =>
      Promise.resolve(
        typeof recording === "string" && !existsSync(recording)
          ? { devices: [], reason: `There is no recording ${recording}.` }
          : { devices: [name], reason: null },
      ),
    open(open = {}) {
      if (typeof recording === "string" && !existsSync(recording))
        return Promise.reject(new UserError(`There is no recording ${recording}.`));
      const chunks: Chunks = typeof recording === "string" ? createReadStream(recording) : recording;
      return Promise.resolve(follow(chunks, name, options, open));
    },
  };
}

function follow(chunks: Chunks, name: string, options: ReplayOptions, open: OpenOptions): OpenSensor {
  const { warn, last } = warnOnce(open);
  const clock = new RecordedClock(options.time ?? "recorded", open.clock ?? (() => performance.now()));
  const read = readings(chunks, name, options, warn);
  // A time that is not of the stamps need not wait for the next second.
  const stamped = (options.time ?? "recorded") === "recorded" ? spreadSeconds(read) : read;
  const samples = samplesOf(stamped, name, clock, warn);
  let closed = false;
  let giveUp: (() => void) | null = null;
  const next = async (): Promise<Sample | null> => {
    try {
      return (await samples.next()).value ?? null;
    } catch (error) {
      if (closed) return null;
      throw error;
    }
  };
  const sensor: OpenSensor = {
    sample: () => {
      if (closed) return Promise.resolve(null);
      const left = new Promise<null>((resolve) => {
        giveUp = () => {
          resolve(null);
        };
      });
      return Promise.race([next(), left]);
    },
    get problem() {
      return last();
    },
    close: () => {
      closed = true;
      giveUp?.();
      // A stream that says nothing more would never let the generator come to its end.
      if (chunks instanceof Readable) chunks.destroy();
      void samples.return().catch(() => undefined);
      return Promise.resolve();
    },
    [Symbol.asyncIterator]: () => iterate(sensor),
  };
  return sensor;
}

interface NumberedReading extends Reading {
  where: string;
}

async function* samplesOf(
  readings: AsyncGenerator<NumberedReading, void>,
  name: string,
  clock: RecordedClock,
  warn: Warnings["warn"],
): AsyncGenerator<Sample, void> {
  for await (const { where, wallMs, device, values, warnings } of readings) {
    for (const [key, sentence] of warnings) warn(key, `${name}: ${sentence}`);
    const at_ms = clock.at(wallMs, where);
    if (clock.setBack)
      warn("clock", `${where}: the clock was set back while recording; the time goes on from where it was.`);
    yield { at_ms, device, values };
  }
}

async function* readings(
  chunks: Chunks,
  name: string,
  options: ReplayOptions,
  warn: Warnings["warn"],
): AsyncGenerator<NumberedReading, void> {
  const cutter = new LineCutter();
  let reader = readerOf(options);
  let number = 0;
  let found = 0;
  let noise: string | null = null;
  for await (const chunk of readable(chunks, name)) {
    for (const line of cutter.push(chunk)) {
      number++;
      reader ??= readerFor(line);
      const where = `${name} line ${number}`;
      const reading = reader?.read(line) ?? null;
      if (reading === null && line.trim() !== "" && nvidiaSmiColumns(line) === null)
        noise ??= `${where} is no reading and is left out: ${excerpt(line)}.`;
      if (reading !== null) found++;
      if (found > 0 && noise !== null) warn("noise", noise);
      if (reading !== null) yield { ...reading, where };
    }
  }
  if (cutter.rest.trim() !== "")
    warn("cut", `${name} ends inside line ${number + 1}, which is left out: ${excerpt(cutter.rest)}.`);
  if (found > 0) return;
  const formats = "tegrastats or of nvidia-smi --format=csv (of one without a header, tell the fields)";
  throw new UserError(`${name} holds no reading of ${formats}${noise === null ? "." : `: ${noise}`}`);
}

async function* readable(chunks: Chunks, name: string): Chunks {
  try {
    yield* chunks;
  } catch (error) {
    throw new UserError(`${name} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

function readerOf({ format, fields }: ReplayOptions): Reader | null {
  if (fields || format === "nvidia-smi") return nvidiaSmiReader(fields);
  return format === "tegrastats" ? tegrastatsReader() : null;
}

/** By the first line that is of a format. */
function readerFor(line: string): Reader | null {
  if (tegrastatsReader().read(line) !== null) return tegrastatsReader();
  return nvidiaSmiColumns(line) === null ? null : nvidiaSmiReader();
}
