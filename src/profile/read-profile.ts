import { readTraceEvents, type Chunks, type TraceEvent } from "./trace-events.js";
import { bytesOfTensors, readTensors, type TensorShape } from "./tensor-types.js";

/** A node's executions over the runs that count. */
export interface NodeTotals {
  readonly name: string;
  readonly opType: string;
  /** Execution provider, as ONNX Runtime calls it. */
  readonly provider: string;
  calls: number;
  /** Wall time, less that of nodes inside it (Loop, If). With synchronous launches on a GPU: host and device. */
  timeUs: number;
  /** Of the first call. */
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
  /** Over all calls, of a gather only what it takes; null where a type's size is not known. */
  inputBytes: number | null;
  outputBytes: number | null;
  /** Most that was in use in the session's allocator as the node ended; null where the profile does not say it. */
  inUseBytes: number | null;
}

/** What a profile of ONNX Runtime tells of its runs. */
export interface OrtProfile {
  readonly nodes: readonly NodeTotals[];
  /** Runs that count, and their wall time. */
  readonly runs: number;
  readonly runUs: number;
  /** Runs before those. */
  readonly skippedRuns: number;
  /** When the first run that counts began, on the profile's clock; null where none counts. */
  readonly startUs: number | null;
  /** High-water mark of the session's allocator, earlier runs included; null where the profile does not say it. */
  readonly peakBytes: number | null;
  readonly events: number;
  /** Whether ONNX Runtime stopped to record: it keeps a million events. */
  readonly full: boolean;
}

export interface ReadProfileOptions {
  /** Runs at the beginning that do not count: warm-up. Default 0. */
  readonly skipRuns?: number;
  /** Told of every execution of a node in runs that count, in the order of their ends. */
  readonly onNode?: (node: NodeEvent) => void;
  /** Told of every run that counts, after its nodes. */
  readonly onRun?: (run: { readonly startUs: number; readonly durationUs: number }) => void;
}

/** One execution of a node. */
export interface NodeEvent {
  readonly name: string;
  readonly opType: string;
  readonly provider: string;
  readonly startUs: number;
  readonly durationUs: number;
  readonly inputs: readonly TensorShape[];
  readonly outputs: readonly TensorShape[];
  /** In use in the session's allocator as it ended; null where the profile does not say it. */
  readonly inUseBytes: number | null;
}

/** kMaxNumEvents_ of ONNX Runtime's profiler. */
const MOST_EVENTS = 1_000_000;

const KERNEL_TIME = "_kernel_time";

/**
 * Reads a profile that a session of ONNX Runtime wrote, of any size in bounded memory: what is kept is a total for each node
 * of the graph. The events of a run stand before the run's own. Throws UserError for a file that is no profile.
 */
export async function readProfile(chunks: Chunks, options: ReadProfileOptions = {}): Promise<OrtProfile> {
  const { skipRuns = 0, onNode, onRun } = options;
  const totals = new Map<string, NodeTotals>();
  const nesting = new Nesting();
  let [seen, runs, runUs, events] = [0, 0, 0, 0];
  let startUs: number | null = null;
  let peakBytes: number | null = null;
  for await (const batch of readTraceEvents(chunks))
    for (const event of batch) {
      events++;
      if (event.cat === "Session" && event.name === "model_run") {
        nesting.clear();
        if (seen++ < skipRuns) continue;
        const run = { startUs: event.ts ?? 0, durationUs: event.dur ?? 0 };
        startUs ??= run.startUs;
        runs++;
        runUs += run.durationUs;
        onRun?.(run);
      } else if (seen >= skipRuns && event.cat === "Node" && event.name?.endsWith(KERNEL_TIME)) {
        const node = nodeEvent(event, event.name);
        add(totals, node, nesting.inside(event));
        peakBytes = highest(peakBytes, count(event.args?.mem_in_use_peak));
        onNode?.(node);
      }
    }
  const nodes = [...totals.values()];
  const full = events >= MOST_EVENTS;
  return { nodes, runs, runUs, skippedRuns: seen - runs, startUs, peakBytes, events, full };
}

function nodeEvent({ ts = 0, dur = 0, args = {} }: TraceEvent, name: string): NodeEvent {
  return {
    name: name.slice(0, -KERNEL_TIME.length),
    opType: text(args.op_name),
    provider: text(args.provider),
    startUs: ts,
    durationUs: dur,
    inputs: readTensors(args.input_type_shape),
    outputs: readTensors(args.output_type_shape),
    inUseBytes: count(args.mem_bytes_in_use),
  };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** ONNX Runtime writes numbers as texts. */
function count(value: unknown): number | null {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/** Nodes without a name are one for each type. */
function add(totals: Map<string, NodeTotals>, event: NodeEvent, insideUs: number): void {
  const { name, opType, provider, inputs, outputs } = event;
  const key = `${name}\n${opType}\n${provider}`;
  let node = totals.get(key);
  if (!node) {
    const zero = { calls: 0, timeUs: 0, inputBytes: 0, outputBytes: 0, inUseBytes: null };
    node = { name, opType, provider, inputs, outputs, ...zero };
    totals.set(key, node);
  }
  node.calls++;
  node.timeUs += event.durationUs - insideUs;
  node.inputBytes = sum(node.inputBytes, bytesRead(event));
  node.outputBytes = sum(node.outputBytes, bytesOfTensors(outputs));
  node.inUseBytes = highest(node.inUseBytes, event.inUseBytes);
}

/** Operators that read of their first input only what they put out. */
const TAKE_PART = new Set(["Gather", "GatherElements", "GatherND", "Slice"]);

function bytesRead({ opType, inputs, outputs }: NodeEvent): number | null {
  if (opType === "Shape" || opType === "Size") return 0;
  if (!TAKE_PART.has(opType)) return bytesOfTensors(inputs);
  return sum(bytesOfTensors(outputs), bytesOfTensors(inputs.slice(1)));
}

const highest = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b);

const sum = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

/**
 * Time of nodes that ran inside another on its thread, which a profile tells twice: those that began after it did and ended,
 * so stand in the file, before.
 */
class Nesting {
  readonly #threads = new Map<number | string, { ts: number; dur: number }[]>();

  /** Microseconds of the events inside this one, which takes their place. */
  inside({ tid = 0, ts = 0, dur = 0 }: TraceEvent): number {
    const done = this.#threads.get(tid) ?? [];
    this.#threads.set(tid, done);
    let inside = 0;
    while (done.length > 0 && done.at(-1)!.ts >= ts && dur > 0) inside += done.pop()!.dur;
    done.push({ ts, dur });
    return inside;
  }

  clear(): void {
    this.#threads.clear();
  }
}
