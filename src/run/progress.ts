import { MultiBar, Presets, type SingleBar } from "cli-progress";

/** Where a sweep says how far it is. `work` is the sum of all steps' weights; a step is one generation. */
export interface Progress {
  readonly step: (work: number, note: string) => void;
  /** A line that stays: a finished cell, or what went wrong. */
  readonly line: (text: string) => void;
  readonly stop: () => void;
}

/** A bar with the time left on a terminal, one display that is replaced in a notebook, a line a cell elsewhere. */
export function showProgress(totalWork: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  const show = openDisplay();
  if (show) return display(totalWork, show);
  return stream.isTTY ? bar(totalWork, stream) : lines(totalWork, stream);
}

export const silentProgress: Progress = {
  step: () => undefined,
  line: () => undefined,
  stop: () => undefined,
};

function bar(totalWork: number, stream: NodeJS.WriteStream): Progress {
  const bars = new MultiBar(
    {
      format: "{bar} {percentage}% | {eta_formatted} left | {note}",
      stream,
      hideCursor: true,
      formatTime: (seconds) => (Number.isFinite(seconds) ? formatSeconds(seconds) : "some time"),
      etaBuffer: 30,
    },
    Presets.shades_classic,
  );
  const single: SingleBar = bars.create(totalWork, 0, { note: "starting" });
  return {
    step: (work, note) => {
      single.increment(work, { note });
      // Weights are read and sessions made without a turn of the event loop, which the bar's timer would need.
      bars.update();
    },
    line: (text) => {
      bars.log(`${text}\n`);
    },
    stop: () => {
      bars.stop();
    },
  };
}

function lines(totalWork: number, stream: NodeJS.WriteStream): Progress {
  const clock = new Clock(totalWork);
  return {
    step: (work) => {
      clock.step(work);
    },
    line: (text) => {
      stream.write(`${text} (${clock.percent} %${clock.left === null ? "" : `, ${clock.left}`})\n`);
    },
    stop: () => undefined,
  };
}

/** How much of the work is done, and how long the rest will take at that pace. */
class Clock {
  readonly #start = performance.now();
  #done = 0;

  constructor(readonly total: number) {}

  step(work: number): void {
    this.#done += work;
  }

  get seconds(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get percent(): number {
    return Math.min(100, Math.round((100 * this.#done) / this.total));
  }

  get left(): string | null {
    const share = this.#done / this.total;
    return share > 0 && share < 1 ? `about ${formatSeconds(this.seconds * (1 / share - 1))} left` : null;
  }
}

type Show = (data: Readonly<Record<string, string>>) => void;

/** A display of the notebook's cell that runs now, where a kernel of ours runs it (`lendDisplay` of src/notebook). */
function openDisplay(): Show | null {
  const open = (globalThis as Record<symbol, unknown>)[Symbol.for("ssm-scope.open-display")];
  return typeof open === "function" ? (open as () => Show | null)() : null;
}

/** How often a display is replaced at most: every replacement is a message to the front end. */
const DISPLAY_MS = 250;

/** The latest lines are enough to look at; the rows have it all. */
const SHOWN_LINES = 20;

function display(totalWork: number, show: Show): Progress {
  const clock = new Clock(totalWork);
  const kept: string[] = [];
  let note = "starting";
  let shownAt = -Infinity;
  const update = (over: boolean): void => {
    if (!over && performance.now() - shownAt < DISPLAY_MS) return;
    shownAt = performance.now();
    const state = over
      ? `ended after ${formatSeconds(clock.seconds)}`
      : [`${clock.percent} %`, clock.left, note].filter((part) => part !== null).join(" | ");
    const before = kept.length > SHOWN_LINES ? [`(${kept.length - SHOWN_LINES} lines before)`] : [];
    const lines = [...before, ...kept.slice(-SHOWN_LINES)];
    const bar = over ? "" : `<progress max="100" value="${clock.percent}"></progress> `;
    show({
      "text/plain": [...lines, state].join("\n"),
      "text/html": `<pre>${[...lines, ""].map(escapeHtml).join("\n")}${bar}${escapeHtml(state)}</pre>`,
    });
  };
  update(false);
  return {
    step: (work, text) => {
      clock.step(work);
      note = text;
      update(false);
    },
    line: (text) => {
      kept.push(text);
      update(false);
    },
    stop: () => {
      update(true);
    },
  };
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const formatSeconds = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
