import { Worker } from "node:worker_threads";
import { UserError } from "../errors.js";
import type { Answer, Request, WorkerData } from "./sampler-worker.js";
import type { Sample } from "./sensor.js";
import { sensorOf, sourceSpec, type SourceName, type SourceSpec } from "./sources.js";

/** What is sampled, how often, and how much is kept. */
export interface SamplerOptions {
  /** What is read, by name, or by name with its options: `["gpu", { source: "host", intervalMs: 100 }]`. */
  sources: readonly (SourceName | SourceSpec)[];
  /** Of every source that has no interval of its own. Default: the source's, 20 ms for a GPU, 100 ms for others. */
  intervalMs?: number;
  /** Samples that are kept. Beyond, the oldest go and count as lost. Default: 240 000, an hour of one GPU. */
  capacity?: number;
  /** Told of each trouble once, in one sentence, as soon as this thread is free. Default: `console.warn`. */
  onWarning?: (sentence: string) => void;
}

/** A sample and the source that it is of: two sources may tell a value of the same name. */
export interface SourceSample extends Sample {
  readonly source: SourceName;
}

/** Sensors that are read on a thread of their own until `stop`. It does not keep the process alive. */
export interface Sampler {
  /**
   * Every sample from then on that was taken by now, in order of time. They stay with the sampler.
   *
   * @param at_ms on this thread's `performance.now`, as the samples' `at_ms`
   */
  since(at_ms: number): Promise<SourceSample[]>;
  /** The last of what `onWarning` was told; null while there was nothing. */
  readonly problem: string | null;
  /** Closes the sensors and ends the thread. May be called twice. */
  stop(): Promise<SamplerResult>;
}

/** All that was sampled, and what was lost. */
export interface SamplerResult {
  /** In order of time. */
  samples: SourceSample[];
  /** Samples that were due and not taken, or taken and dropped as more came than are kept. */
  lost: number;
  /** Every sentence that `onWarning` was told. */
  problems: string[];
}

const CAPACITY = 240_000;

/**
 * Starts to read the sources, and resolves when they are open. One that cannot be opened is told of; where none can,
 * it throws `UserError`. While nothing is asked of the sampler, this thread has nothing to do with it.
 */
export async function startSampler({
  sources,
  intervalMs,
  capacity = CAPACITY,
  onWarning = console.warn,
}: SamplerOptions): Promise<Sampler> {
  if (sources.length === 0) throw new UserError("No source is named for the sampler, e.g. gpu, host.");
  if (!(Number.isInteger(capacity) && capacity > 0))
    throw new UserError(`The sampler is to keep ${capacity} samples; it must be a whole number above 0.`);
  const specs = sources.map((source) => sourceSpec(source, intervalMs));
  for (const spec of specs) sensorOf(spec); // throws here what is wrong with its options
  const thread = new SamplerThread({ specs, capacity, clockOffsetMs: clockOffset() }, onWarning);
  await thread.opened;
  let stopped: Promise<SamplerResult> | null = null;
  return {
    since: async (at_ms) => {
      if (stopped) throw new UserError("The sampler was stopped: start another one.");
      return (await thread.ask({ since: at_ms })).samples;
    },
    get problem() {
      return thread.problems.at(-1) ?? null;
    },
    stop: () =>
      (stopped ??= thread.ask("stop").then(async ({ samples, lost }) => {
        await thread.end();
        return { samples, lost, problems: thread.problems };
      })),
  };
}

/** What makes of the system's monotonic clock, which every thread reads, this thread's `performance.now`. */
const clockOffset = (): number => performance.now() - Number(process.hrtime.bigint()) / 1e6;

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

/** The worker, and what it was asked and has not answered. It answers in order. */
class SamplerThread {
  readonly problems: string[] = [];
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: Error | null = null;

  constructor(data: WorkerData, onWarning: (sentence: string) => void) {
    this.#worker = startWorker(data);
    this.#worker.on("message", (message: string | Answer) => {
      if (typeof message !== "string") {
        this.#settle(({ resolve }) => {
          resolve(message);
        });
        return;
      }
      this.problems.push(message);
      onWarning(message);
    });
    this.#worker.on("error", (error: Error) => {
      this.#fail(error);
    });
    this.#worker.on("exit", () => {
      this.#fail(new Error("The thread of the sampler ended by itself."));
    });
    this.opened = this.#answer().then(async ({ open }) => {
      if (open > 0) return;
      await this.end();
      throw new UserError(this.problems.join(" "));
    });
  }

  ask(request: Request): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    this.#worker.postMessage(request);
    return this.#answer();
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answer(): Promise<Answer> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #settle(how: (asked: Waiting) => void): void {
    const asked = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    if (asked) how(asked);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const failure = this.#failure;
    while (this.#waiting.length > 0)
      this.#settle(({ reject }) => {
        reject(failure);
      });
  }
}

/** In a checkout's src the worker needs the loader that this thread has, which does not reach into workers. */
function startWorker(workerData: WorkerData): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL("./sampler-worker.js", import.meta.url), { workerData, execArgv: [] });
  const file = new URL("./sampler-worker.ts", import.meta.url).href;
  const code = `import { tsImport } from ${JSON.stringify(import.meta.resolve("tsx/esm/api"))};
    await tsImport(${JSON.stringify(file)}, ${JSON.stringify(import.meta.url)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData,
    execArgv: [],
  });
}
