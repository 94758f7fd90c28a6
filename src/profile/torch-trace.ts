import { UserError } from "../errors.js";
import type { Row } from "../record/schema.js";
import { OPERATOR_CLASSES, type OpClass } from "./classes.js";
import { guessTorchClass } from "./pytorch-classes.js";
import { timeOfEach, type Stretch } from "./timeline.js";

/** What an operator of a trace took, all its calls together. */
export interface TorchNode {
  /** The operator whose class it is: the outermost that says what it is for. */
  readonly node: string;
  /** What ran inside it: a kernel, or without a device an operator of its own. */
  readonly op_type: string;
  readonly op_class: OpClass;
  readonly calls: number;
  /** On the device, or without one on the host, less what is inside it. */
  readonly time_us: number;
  /** Of the time of the passes. */
  readonly share_pct: number;
}

/** A PyTorch profile by our classes. */
export interface TorchProfile {
  /** One a class, launch_gap among them: their op_latency_us sum to the time of the passes. */
  readonly rows: Row[];
  readonly nodes: TorchNode[];
}

/** What a trace does not say of its run; other columns of the schema may say more. */
export type TraceFacts = Row & { readonly model: string };

/** On the host: an operator, or a scope that someone named. */
interface Span {
  readonly lane: string;
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly isScope: boolean;
  readonly id: number | null;
  decided: Decision;
}

/** On the device. */
interface Kernel {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  readonly id: number | null;
  readonly correlation: number | null;
}

/** The runtime's call that put a kernel on the device. */
interface Launch {
  readonly lane: string;
  readonly from: number;
  readonly id: number | null;
}

/** What the operators around a moment say about it. */
interface Decision {
  readonly opClass: OpClass;
  /** The operator that says it. */
  readonly by: string;
  /** Whether what is inside has no say any more. */
  readonly settled: boolean;
}

/** What times are summed by: one object for equal ones. */
type Key = Pick<TorchNode, "node" | "op_type" | "op_class">;

/** A stretch of a call's own time; what is inside it cuts a call in several, of which the first counts as the call. */
interface Work extends Stretch<Key> {
  readonly isCall: boolean;
}

const UNDECIDED: Decision = { opClass: "unclassified", by: "", settled: false };

/** Categories of events by PyTorch's release: in lower case, the names until 1.12 too. */
const CATEGORIES: Readonly<Record<string, "operator" | "scope" | "launch" | "kernel">> = {
  cpu_op: "operator",
  operator: "operator",
  user_annotation: "scope",
  python_function: "scope",
  cuda_runtime: "launch",
  cuda_driver: "launch",
  runtime: "launch",
  kernel: "kernel",
  gpu_memcpy: "kernel",
  gpu_memset: "kernel",
  memcpy: "kernel",
  memset: "kernel",
};

const STEP = /^ProfilerStep#\d+$/;
/** Times are printed to a nanosecond, so an operator may seem to end by that much after the one around it. In us. */
const ROUNDING = 0.002;

/**
 * The events of a PyTorch profiler's Chrome trace, one after another and in any order, as classes. Only numbers and names are
 * kept of them. The name of the file is for messages.
 */
export class TorchTrace {
  readonly #spans: Span[] = [];
  readonly #kernels: Kernel[] = [];
  readonly #launches = new Map<number, Launch>();
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(readonly file: string) {}

  /** @throws UserError for an event that is none, with its number in the file */
  add(event: unknown): void {
    const index = this.#count++;
    if (typeof event !== "object" || event === null || Array.isArray(event))
      throw this.#malformed(index, `is ${JSON.stringify(event)}: it must be an object`);
    const { ph, cat, name, ts, dur, pid, tid, args } = event as Record<string, unknown>;
    const category = typeof cat === "string" ? CATEGORIES[cat.toLowerCase()] : undefined;
    if (ph !== "X" || category === undefined) return;
    for (const [key, value] of Object.entries({ ts, dur }))
      if (typeof value !== "number" || !Number.isFinite(value))
        throw this.#malformed(index, `has ${key} ${JSON.stringify(value)}: it must be a number of us`);
    if (typeof name !== "string")
      throw this.#malformed(index, `has name ${JSON.stringify(name)}: it must be text`);
    const facts = (args ?? {}) as Record<string, unknown>;
    const id = numberOf(facts["External id"] ?? facts["external id"]);
    const correlation = numberOf(facts["correlation"]);
    const [from, to] = [ts as number, (ts as number) + (dur as number)];
    const lane = `${String(pid)}/${String(tid)}`;
    if (category === "kernel") this.#kernels.push({ from, to, name: this.#intern(name), id, correlation });
    else if (category === "launch") {
      if (correlation !== null) this.#launches.set(correlation, { lane: this.#intern(lane), from, id });
    } else if (category === "operator" || isWorthKeeping(name))
      this.#spans.push({
        lane: this.#intern(lane),
        from,
        to,
        name: this.#intern(name),
        // Newer releases list steps and annotations of the host among the operators.
        isScope: category === "scope" || STEP.test(name),
        id,
        decided: UNDECIDED,
      });
  }

  /**
   * Classes and operators. With kernels in the trace times are the device's, else the host's own. The passes are the profiler's
   * steps where the trace has them, from the first's start until the last one's work is done; else all of it is one pass.
   */
  profile(facts: TraceFacts): TorchProfile {
    if (this.#spans.every(({ isScope }) => isScope) && this.#kernels.length === 0)
      throw new UserError(
        `${this.file} has ${this.#count} events and no operator among them: it must be a Chrome trace of PyTorch's profiler`,
      );
    const keys = new Keys();
    const own = ownTimes(this.#spans, keys);
    const work = this.#kernels.length > 0 ? this.#kernelTimes(keys) : own;
    const window = this.#window();
    const calls = countCalls(work, window);
    const nodes = [...timeOfEach(work, window)].map(([key, time_us]): TorchNode => ({
      ...key,
      calls: calls.get(key) ?? 0,
      time_us,
      share_pct: (100 * time_us) / (window[1] - window[0]),
    }));
    nodes.sort((a, b) => b.time_us - a.time_us);
    return { nodes, rows: this.#rows(nodes, own, window, facts) };
  }

  /** Kernels by the class that the operator which launched them says, or their own name where it leaves that open. */
  #kernelTimes(keys: Keys): Work[] {
    const byId = new Map(this.#spans.flatMap((span) => (span.id === null ? [] : [[span.id, span] as const])));
    const around = spansAround(this.#spans);
    return this.#kernels.map(({ from, to, name, id, correlation }) => {
      const launch = correlation === null ? undefined : this.#launches.get(correlation);
      const span =
        (id === null ? undefined : byId.get(id)) ??
        (launch?.id == null ? undefined : byId.get(launch.id)) ??
        (launch && around(launch.lane, launch.from));
      const { opClass, by } = decideKernel(span?.decided ?? UNDECIDED, name);
      return { from, to, key: keys.of(opClass, by, name), isCall: true };
    });
  }

  /** From the first step's start, or the first work of all, until the last is done, on the host or the device. */
  #window(): [number, number] {
    const steps = this.#spans.filter(({ name }) => STEP.test(name));
    const host = steps.length > 0 ? steps : this.#spans;
    const begin = least((host.length > 0 ? host : this.#kernels).map(({ from }) => from));
    return [begin, -least([...host, ...this.#kernels].map(({ to }) => -to))];
  }

  #rows(
    nodes: readonly TorchNode[],
    own: readonly Work[],
    window: [number, number],
    facts: TraceFacts,
  ): Row[] {
    const wall = window[1] - window[0];
    const passes = new Set(this.#spans.flatMap(({ name }) => (STEP.test(name) ? [name] : []))).size || 1;
    const onDevice = this.#kernels.length > 0;
    const host = sumByClass([...timeOfEach(own, window)].map(([key, time]) => [key.op_class, time]));
    const busy = sumByClass(nodes.map(({ op_class, time_us }) => [op_class, time_us]));
    const calls = sumByClass(nodes.map((node) => [node.op_class, node.calls]));
    const work = [...busy.values()].reduce((sum, time) => sum + time, 0);
    busy.set("launch_gap", (busy.get("launch_gap") ?? 0) + wall - work);
    return OPERATOR_CLASSES.filter((one) => busy.has(one) || one === "unclassified").map((op_class): Row => {
      const time = busy.get(op_class) ?? 0;
      return {
        kind: "operators",
        status: "ok",
        ep: "pytorch",
        source: this.file,
        ...facts,
        method: "torch_profiler_trace",
        breakdown: "class",
        op_class,
        op_calls: calls.get(op_class) ?? 0,
        op_passes: passes,
        op_cpu_us: host.get(op_class) ?? 0,
        ...(onDevice && op_class !== "launch_gap" && { op_device_us: time }),
        op_latency_us: time,
        op_share_pct: (100 * time) / wall,
      };
    });
  }

  #intern(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    this.#names.set(text, text);
    return text;
  }

  #malformed(index: number, problem: string): UserError {
    return new UserError(`${this.file}: event ${index + 1} ${problem}`);
  }
}

const numberOf = (value: unknown): number | null =>
  typeof value === "number" ? value : typeof value === "string" && /^\d+$/.test(value) ? Number(value) : null;

const least = (values: readonly number[]): number =>
  values.reduce((low, value) => (value < low ? value : low), Infinity);

function countCalls(work: readonly Work[], [begin, end]: readonly [number, number]): Map<Key, number> {
  const counts = new Map<Key, number>();
  for (const { key, from, isCall } of work)
    if (isCall && from >= begin && from < end) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Hands out one object for equal keys. */
class Keys {
  readonly #known = new Map<string, Key>();

  of(op_class: OpClass, node: string, op_type: string): Key {
    const words = `${op_class}|${node}|${op_type}`;
    const known = this.#known.get(words) ?? { node, op_type, op_class };
    this.#known.set(words, known);
    return known;
  }
}

function sumByClass(entries: readonly (readonly [OpClass, number])[]): Map<OpClass, number> {
  const sums = new Map<OpClass, number>();
  for (const [op_class, amount] of entries) sums.set(op_class, (sums.get(op_class) ?? 0) + amount);
  return sums;
}

// What operators around a moment say.

/** A scope that is a step or a norm; frames of Python are too many to keep, and most scopes hold work of all classes. */
const isWorthKeeping = (name: string): boolean => STEP.test(name) || scopeClass(name) !== null;

/** Norms that PyTorch has no operator for are scopes of several. */
function scopeClass(name: string): OpClass | null {
  const plain = name.replace(/^nn\.Module: /, "").replace(/_\d+$/, "");
  const found = guessTorchClass(plain);
  if (found === null) return null;
  return found.opClass === "normalization" || found.rule.endsWith("_prof") ? found.opClass : null;
}

/** The outermost operator that says what it is for decides; one that holds work of several classes leaves it to those inside. */
function decide(around: Decision, { name, isScope }: Span): Decision {
  if (around.settled) return around;
  if (isScope) {
    const opClass = scopeClass(name);
    return opClass === null ? around : { opClass, by: name, settled: true };
  }
  const found = guessTorchClass(name);
  if (found === null || found.opClass === "unclassified")
    return around.by === "" ? { ...around, by: name } : around;
  return { opClass: found.opClass, by: name, settled: !found.mixed };
}

function decideKernel(around: Decision, kernel: string): { opClass: OpClass; by: string } {
  const found = guessTorchClass(kernel);
  const own = found?.opClass ?? "unclassified";
  // Copies between the memories are that wherever they are made.
  if (own === "host_device_copy" || (!around.settled && own !== "unclassified"))
    return { opClass: own, by: around.by || kernel };
  return { opClass: around.opClass, by: around.by || kernel };
}

/** By thread, outer before inner. */
const inOrder = (spans: readonly Span[]): Span[] =>
  [...spans].sort((a, b) => (a.lane < b.lane ? -1 : a.lane > b.lane ? 1 : a.from - b.from || b.to - a.to));

const isInside = (inner: Span, outer: Span): boolean =>
  inner.lane === outer.lane && inner.from < outer.to && inner.to <= outer.to + ROUNDING;

/** Decides every span, and gives the stretches that operators took less the operators inside them. */
function ownTimes(spans: readonly Span[], keys: Keys): Work[] {
  const work: Work[] = [];
  const open: { span: Span; end: number; since: number; isCall: boolean }[] = [];
  const closeUntil = (until: number): void => {
    const top = open.at(-1)!;
    const { span, since, isCall } = top;
    if (span.isScope || until <= since) return;
    const { opClass, by } = span.decided;
    work.push({ from: since, to: until, key: keys.of(opClass, by, span.name), isCall });
    top.isCall = false;
  };
  const pop = (): void => {
    const { end } = open.at(-1)!;
    closeUntil(end);
    open.pop();
    const outer = open.at(-1);
    if (outer) outer.since = end;
  };
  for (const span of inOrder(spans)) {
    while (open.length > 0 && !isInside(span, open.at(-1)!.span)) pop();
    const outer = open.at(-1);
    if (outer) closeUntil(span.from);
    span.decided = decide(outer?.span.decided ?? UNDECIDED, span);
    open.push({ span, end: Math.min(span.to, outer?.end ?? Infinity), since: span.from, isCall: true });
  }
  while (open.length > 0) pop();
  return work;
}

/** Finds the innermost span of a thread at a moment. */
function spansAround(spans: readonly Span[]): (lane: string, at: number) => Span | undefined {
  const lanes = new Map<string, { spans: Span[]; latest: number[] }>();
  for (const span of inOrder(spans)) {
    const lane = lanes.get(span.lane) ?? { spans: [], latest: [] };
    lanes.set(span.lane, lane);
    lane.spans.push(span);
    lane.latest.push(Math.max(lane.latest.at(-1) ?? -Infinity, span.to));
  }
  return (name, at) => {
    const { spans: ofLane, latest } = lanes.get(name) ?? { spans: [], latest: [] };
    let [low, high] = [0, ofLane.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ofLane[middle]!.from <= at) low = middle + 1;
      else high = middle;
    }
    // Of those that have begun the last that has not ended is the innermost; `latest` says when none is left.
    for (let i = low - 1; i >= 0 && latest[i]! >= at; i--) if (ofLane[i]!.to >= at) return ofLane[i];
    return undefined;
  };
}
