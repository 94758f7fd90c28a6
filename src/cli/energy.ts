import { Command } from "commander";
import { parsePositive, parseSeconds } from "./parse.js";
import { ExitError } from "./exit.js";

export interface EnergyFlags {
  json?: boolean;
  output?: string;
  /** Seconds before and after the command. */
  idle: number;
  /** Whose energy is summed, as CUDA_VISIBLE_DEVICES would name them, or `all`. */
  gpu?: string;
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
    .option(
      "--gpu <which>",
      "GPUs that are summed: all, or numbers as of nvidia-smi, UUIDs, MIG-...; otherwise those of CUDA_VISIBLE_DEVICES",
    )
    .optionsGroup("A recording instead of this machine's sensors, played at its own pace:")
    .option("--from <file>", "of tegrastats, or of nvidia-smi --query-gpu=... --format=csv")
    .option("--interval <ms>", "at which it was recorded, where it has no time stamps", parsePositive)
    .addHelpText(
      "after",
      `
The exit code is the command's own; 128 and the signal's number where one ended it, 126 and 127 where it could not be
started. Energy is of whole devices, other programs included: keep them idle otherwise. GPUs that CUDA_VISIBLE_DEVICES hides from
the command are left out; without it, all are summed.

Examples:
  ssm-scope energy -- python generate.py
  ssm-scope energy --gpu 0,1 -- torchrun --nproc-per-node 2 train.py
  ssm-scope energy --json -o joules.json -- ./train.sh --steps 100`,
    )
    .action(async (command: [string, ...string[]], flags: EnergyFlags) => {
      const { energyOfCommand } = await import("./energy/energy-of-command.js");
      const code = await energyOfCommand(command, flags);
      if (code !== 0) throw new ExitError(code);
    });
}
