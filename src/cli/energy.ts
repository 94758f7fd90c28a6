import { Command } from "commander";
import { parsePositive, parseSeconds } from "./parse.js";
import { ExitError } from "./exit.js";

export interface EnergyFlags {
  json?: boolean;
  output?: string;
  /** Seconds before and after the command. */
  idle: number;
  from?: string;
  /** Of a recording, in ms. */
  interval?: number;
}

export function energyCommand(): Command {
  return new Command("energy")
    .description("joules of any command, as `perf stat` counts its events; the report goes to stderr")
    .argument("<command...>", "what to run, behind --, with its own arguments")
    .option("--json", "the report as one line of JSON")
    .option("-o, --output <file>", "where the report goes, instead of stderr")
    .option(
      "--idle <seconds>",
      "measure the idle power so long before and after; 0: no net energy",
      parseSeconds,
      1.5,
    )
    .optionsGroup("A recording instead of this machine's sensors, played at its own pace:")
    .option("--from <file>", "of tegrastats, or of nvidia-smi --query-gpu=... --format=csv")
    .option("--interval <ms>", "at which it was recorded, where it has no time stamps", parsePositive)
    .addHelpText(
      "after",
      `
The exit code is the command's own; 128 and the signal's number where one ended it, 126 and 127 where it could not be
started. Energy is of the whole device, other programs included: keep it idle otherwise.

Examples:
  ssm-scope energy -- python generate.py
  ssm-scope energy --json -o joules.json -- ./train.sh --steps 100`,
    )
    .action(async (command: [string, ...string[]], flags: EnergyFlags) => {
      const { energyOfCommand } = await import("./energy/energy-of-command.js");
      const code = await energyOfCommand(command, flags);
      if (code !== 0) throw new ExitError(code);
    });
}
