import { MultiBar, Presets, type SingleBar } from "cli-progress";

/** Where a sweep says how far it is. `work` is the sum of all steps' weights; a step is one generation. */
export interface Progress {
  readonly step: (work: number, note: string) => void;
  /** A line that stays: a finished cell, or what went wrong. */
  readonly line: (text: string) => void;
  readonly stop: () => void;
}

/** A bar with the time left on a terminal, a line a cell elsewhere. */
export function showProgress(totalWork: number, stream: NodeJS.WriteStream = process.stderr): Progress {
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
  const start = performance.now();
  let done = 0;
  return {
    step: (work) => {
      done += work;
    },
    line: (text) => {
      // What is measured again was not foreseen.
      const share = Math.min(1, done / totalWork);
      const left = share > 0 && share < 1 ? ((performance.now() - start) / 1000) * (1 / share - 1) : null;
      const eta = left === null ? "" : `, about ${formatSeconds(left)} left`;
      stream.write(`${text} (${Math.round(100 * share)} %${eta})\n`);
    },
    stop: () => undefined,
  };
}

const formatSeconds = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
