import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { UserError } from "../errors.js";
import type { RunOptions, Settings } from "../run/index.js";
import { addNumericOptions, type NumericFlags } from "./numeric-options.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { parseBytes, parseCount, parseLength, parseLengths } from "./parse.js";

interface Flags
  extends NumericFlags, Omit<Settings, "models" | "memoryBytes" | "epOptions" | keyof NumericFlags> {
  memory?: number;
  out?: string;
  resume?: boolean;
  isolate?: NonNullable<RunOptions["isolate"]>;
}

export function runCommand(): Command {
  const command = new Command("run")
    .description("measure models at several prompt lengths; rows go to OUT/rows.jsonl as they come")
    .argument("<models...>", "registry names, see `ssm-scope models`")
    .requiredOption("-l, --prompt-tokens <list>", "prompt lengths, e.g. 128,512,2K", parseLengths)
    .option("-n, --new-tokens <count>", "tokens to generate (default 16)", parseCount)
    .option("-r, --repeats <count>", "samples of every cell (default 5)", parseCount)
    .option("-b, --batch <count>", "sequences processed together (default 1)", parseCount)
    .addOption(
      new Option("--ep <name>", "execution provider: where to compute (default cpu)").choices([
        "cpu",
        "cuda",
      ]),
    )
    .option("--device-id <number>", "which GPU, as CUDA counts them (default 0)", parseCount)
    .addOption(
      new Option("--dtype <type>", "type of weights and activations (default fp32, on a GPU fp16)").choices([
        "fp32",
        "fp16",
        "bf16",
      ]),
    )
    .addOption(
      new Option(
        "--lowering <name>",
        "how SSM blocks are expressed in ONNX operators (default auto)",
      ).choices(["auto", "linear-attention", "ssd-matmul", "fused"]),
    )
    .addOption(
      new Option(
        "--decode-lowering <name>",
        "the same for decoding (default auto: linear-attention, after fused fused)",
      ).choices(["auto", "linear-attention", "ssd-matmul", "fused"]),
    )
    .addOption(
      new Option("--prefill <mode>", "run the prompt in segments or in one piece (default chunked)").choices([
        "chunked",
        "monolithic",
      ]),
    )
    .option("--segment-tokens <count>", "longest segment of a chunked prefill (default 8192)", parseLength)
    .addOption(
      new Option(
        "--logits <which>",
        "logits to compute: of the last position or of all (default last)",
      ).choices(["last", "all"]),
    )
    .option(
      "--threads <count>",
      "threads of an operator (default: ONNX Runtime's, one a physical core)",
      parseCount,
    )
    .option("--seed <number>", "seed of random weights and prompts (default 1)", parseCount)
    .optionsGroup("Options of a GPU (--ep cuda):")
    .option(
      "--memory <size>",
      "emulate a GPU with this much memory, e.g. 8GiB: all the process holds there",
      parseBytes,
    )
    .option("--like <device>", "the same by name: rtx4090 or orin-nano")
    .addOption(
      new Option("--cuda-graph <when>", "replay decode steps as a CUDA graph (default auto)").choices([
        "auto",
        "on",
        "off",
      ]),
    )
    .addOption(
      new Option("--arena <strategy>", "how the allocator grows (default same-as-requested)").choices([
        "next-power-of-two",
        "same-as-requested",
      ]),
    );
  return addNumericOptions(command)
    .optionsGroup("Options of the campaign:")
    .option("--beyond-positions", "allow sequences longer than the model's positions")
    .addOption(
      new Option(
        "--isolate <how>",
        "a process a cell, so that a crash is a row, or none (default auto: a process but for the CPU)",
      ).choices(["auto", "cell", "none"]),
    )
    .option("-o, --out <folder>", "folder of the campaign (default: out/run-DATE-TIME)")
    .option("--resume", "go on with the campaign in OUT")
    .addHelpText("after", "\nExample: ssm-scope run gpt-neo-125m mamba2-130m -l 128,512,1K -o out/first")
    .action(async (models: string[], { out, resume = false, memory, epOption, ...rest }: Flags) => {
      const settings = {
        ...rest,
        ...(memory !== undefined && { memoryBytes: memory }),
        ...(epOption && { epOptions: epOption }),
      };
      const [{ run }, { failedCells, printSummary }] = await Promise.all([
        import("../run/index.js"),
        import("./summary.js"),
      ]);
      const folder = resume ? campaignToResume(out) : (out ?? defaultFolder());
      const table = await interruptible((signal) =>
        run({ ...settings, models, out: folder, resume, signal }),
      );
      await printSummary(table);
      console.log(`${table.numRows()} rows in ${join(folder, "rows.jsonl")}`);
      const failed = failedCells(table);
      for (const reason of failed) console.error(reason);
      if (failed.length > 0) throw new ExitError(EXIT.failed);
    });
}

/** The folder to go on with; a mistyped one must not start a campaign of its own. */
function campaignToResume(out: string | undefined): string {
  if (out === undefined)
    throw new UserError("--resume needs --out, the folder of the campaign to go on with");
  if (!existsSync(join(out, "rows.jsonl")))
    throw new UserError(`there is no campaign in ${out} to go on with`);
  return out;
}

function defaultFolder(): string {
  const stamp = new Date().toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "");
  return `out/run-${stamp}`;
}
