import { Command } from "commander";
import { parseList, parsePositive } from "./parse.js";

export interface WatchFlags {
  from?: string;
  jsonl?: boolean;
  /** Readings a second. */
  rate?: number;
  /** Seconds. */
  duration?: number;
  source?: string;
  /** Of a recording, in ms. */
  interval?: number;
  fields?: string[];
}

export function watchCommand(): Command {
  return new Command("watch")
    .description("power, energy, memory, clocks and temperature of this machine, live")
    .option("--rate <hertz>", "readings a second (default 10; as plain lines 1)", parsePositive)
    .option("--duration <seconds>", "end after so long (default: at Ctrl-C)", parsePositive)
    .option("--source <name>", "which sensor (default: the best that answers)")
    .option("--jsonl", "a JSON object a reading, for machines")
    .optionsGroup("A recording instead of this machine:")
    .option(
      "--from <file>",
      "of tegrastats, or of nvidia-smi --query-gpu=... --format=csv; - is standard input",
    )
    .option("--interval <ms>", "at which it was recorded, where it has no time stamps", parsePositive)
    .option("--fields <list>", "what nvidia-smi was asked, where it has no header", parseList)
    .addHelpText(
      "after",
      `
Examples:
  ssm-scope watch
  ssm-scope watch --jsonl --rate 20 > readings.jsonl
  ssh orin tegrastats --interval 200 | ssm-scope watch --from -`,
    )
    .action(async (flags: WatchFlags) => {
      const { watch } = await import("./watch/run-watch.js");
      await watch(flags);
    });
}
