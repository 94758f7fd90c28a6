import { Presets, SingleBar } from "cli-progress";

/** Says what is fetched, and on a terminal how far it is. */
export function showDownload(stream: NodeJS.WriteStream): {
  onStep: (text: string) => void;
  onBytes: (done: number, total: number | null) => void;
  stop: () => void;
} {
  let bar: SingleBar | undefined;
  return {
    onStep: (text) => {
      stream.write(`from ${text}\n`);
    },
    onBytes: (done, total) => {
      if (!stream.isTTY || total === null) return;
      if (!bar) {
        const format = "{bar} {percentage}% of {total} MB, {eta_formatted} left";
        bar = new SingleBar({ format, stream, hideCursor: true }, Presets.shades_classic);
        bar.start(toMegabytes(total), 0);
      }
      bar.update(toMegabytes(done));
    },
    stop: () => {
      bar?.stop();
    },
  };
}

const toMegabytes = (bytes: number): number => Math.round(bytes / 1e6);
