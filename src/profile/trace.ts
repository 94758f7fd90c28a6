import { classify, OPERATOR_CLASSES, type OpClass } from "./classes.js";
import type { NodeEvent } from "./read-profile.js";
import { showTensors } from "./tensor-types.js";

/** The lane of whole runs; those of the classes follow in their order. */
const RUN_LANE = 1;
const laneOf = (opClass: OpClass): number => RUN_LANE + 1 + OPERATOR_CLASSES.indexOf(opClass);

/**
 * Writes a trace in the Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing show: a group of lanes for
 * each profile, in it one of the runs and one of each class, and counters. Nothing is kept: every event is handed on as text.
 */
export class TraceWriter {
  readonly #write: (text: string) => void;
  #groups = 0;
  #events = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
    write('{"displayTimeUnit":"ms","traceEvents":[');
  }

  /**
   * Lanes for one profile.
   *
   * @param shiftUs added to the profile's times: profiles begin at zero each
   */
  group(name: string, shiftUs: number): TraceGroup {
    const pid = ++this.#groups;
    const add = (event: object): void => {
      this.#write(`${this.#events++ === 0 ? "\n" : ",\n"}${JSON.stringify({ pid, ...event })}`);
    };
    const meta = (kind: string, tid: number, args: object): void => {
      add({ ph: "M", name: kind, tid, args });
    };
    meta("process_name", 0, { name });
    meta("process_sort_index", 0, { sort_index: pid });
    const lanes: [number, string][] = [
      [RUN_LANE, "runs"],
      ...OPERATOR_CLASSES.map((opClass): [number, string] => [laneOf(opClass), opClass]),
    ];
    for (const [tid, lane] of lanes) {
      meta("thread_name", tid, { name: lane });
      meta("thread_sort_index", tid, { sort_index: tid });
    }
    return new TraceGroup(add, shiftUs);
  }

  end(): void {
    this.#write("\n]}\n");
  }
}

/** The lanes and counters of one profile. */
class TraceGroup {
  readonly #add: (event: object) => void;
  readonly #shiftUs: number;
  /** Nodes of the run that is being read: their ends, by which gaps are known. */
  #gaps: { from: number; to: number }[] = [];
  #first: number | null = null;
  #end: number | null = null;

  constructor(add: (event: object) => void, shiftUs: number) {
    this.#add = add;
    this.#shiftUs = shiftUs;
  }

  node({ name, opType, provider, startUs, durationUs, inputs, outputs, inUseBytes }: NodeEvent): void {
    const { opClass, why } = classify({ name, opType });
    const args = { node: name, provider, inputs: showTensors(inputs), outputs: showTensors(outputs), why };
    this.#interval(opType, opClass, startUs, durationUs, args);
    if (inUseBytes !== null) this.counter("allocator", startUs + durationUs, { bytes: inUseBytes });
    if (this.#end !== null && startUs > this.#end) this.#gaps.push({ from: this.#end, to: startUs });
    this.#first ??= startUs;
    this.#end = Math.max(this.#end ?? 0, startUs + durationUs);
  }

  run({ startUs, durationUs }: { readonly startUs: number; readonly durationUs: number }): void {
    const end = startUs + durationUs;
    this.#add({ ph: "X", name: "model_run", tid: RUN_LANE, ts: startUs + this.#shiftUs, dur: durationUs });
    const edges = [
      { from: startUs, to: this.#first ?? end },
      { from: this.#end ?? end, to: end },
    ];
    for (const { from, to } of [...edges, ...this.#gaps])
      if (to > from) this.#interval("gap", "launch_gap", from, to - from, {});
    [this.#first, this.#end, this.#gaps] = [null, null, []];
  }

  /** A value of a moment on the profile's clock. */
  counter(name: string, atUs: number, values: Readonly<Record<string, number>>): void {
    this.#add({ ph: "C", name, tid: 0, ts: atUs + this.#shiftUs, args: values });
  }

  #interval(name: string, opClass: OpClass, startUs: number, durationUs: number, args: object): void {
    const ts = startUs + this.#shiftUs;
    this.#add({ ph: "X", name, cat: opClass, tid: laneOf(opClass), ts, dur: durationUs, args });
  }
}
