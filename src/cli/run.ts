import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { UserError } from "../errors.js";
import type { RunOptions, Settings, TokenizedDocument } from "../run/index.js";
import { addNumericOptions, type NumericFlags } from "./numeric-options.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { addModelOptions, readConfigs, type ModelFlags } from "./model-options.js";
import { addSettingOptions } from "./setting-options.js";
import { parseBytes, parseCount, parseLengths, parseSeconds, parseShare } from "./parse.js";

interface Flags
  extends
    NumericFlags,
    ModelFlags,
    Omit<Settings, "models" | "memoryBytes" | "epOptions" | keyof NumericFlags | keyof ModelFlags> {
  memory?: number;
  onnx?: string;
  name?: string;
  headSize?: number;
  promptFile?: string;
  tokenizer?: string;
  out?: string;
  resume?: boolean;
  energy?: boolean;
  isolate?: NonNullable<RunOptions["isolate"]>;
  untilWidth?: number;
  maxRepeats?: number;
  remeasure?: number;
}

export function runCommand(): Command {
  const command = new Command("run")
    .description("measure models at several prompt lengths; rows go to OUT/rows.jsonl as they come")
    .argument("[models...]", "registry names, see `ssm-scope models`");
  addModelOptions(command)
    .option("-l, --prompt-tokens <list>", "prompt lengths, e.g. 128,512,2K", parseLengths)
    .option("-r, --repeats <count>", "samples of every cell (default 5)", parseCount);
  addSettingOptions(command)
    .option("--seed <number>", "seed of random weights and prompts (default 1)", parseCount)
    .optionsGroup("A document as the prompt, instead of random tokens:")
    .option("--prompt-file <file>", "UTF-8 text whose first tokens are the prompt (without -l: all)")
    .option("--tokenizer <file>", "the model's tokenizer.json (default: the one beside --onnx)")
    .optionsGroup("A decoder that others exported, instead of registry names:")
    .option(
      "--onnx <file>",
      "with the usual names: input_ids, attention_mask, position_ids, past_key_values.N.key and .value, logits, present.N.key and .value",
    )
    .option("--name <name>", "what its rows call it (default: from the file's name)")
    .option("--head-size <count>", "channels of a key, where the file does not say it", parseCount)
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
    .option(
      "--energy",
      "measure joules too, where a sensor tells them: of the prefill, of decoding and of both, some ten seconds each",
    )
    .option(
      "--until-width <share>",
      "take samples until the 95 % interval of the median TTFT and TPOT is this share of it wide, e.g. 2%",
      parseShare,
    )
    .option("--max-repeats <count>", "at most so many, with --until-width (default 10 times -r)", parseCount)
    .option(
      "--remeasure <seconds>",
      "take samples in doubt (heat, clocks, other processes) again at the end, for so long at most",
      parseSeconds,
    )
    .option("--beyond-positions", "allow sequences longer than the model's positions")
    .addOption(
      new Option(
        "--isolate <how>",
        "a process a cell, so that a crash is a row, or none (default auto: a process but for the CPU)",
      ).choices(["auto", "cell", "none"]),
    )
    .option("-o, --out <folder>", "folder of the campaign (default: out/run-DATE-TIME)")
    .option("--resume", "go on with the campaign in OUT")
    .addHelpText(
      "after",
      `
Examples:
  ssm-scope run gpt-neo-125m mamba2-130m -l 128,512,1K -o out/first
  ssm-scope run --weights ~/checkpoints/mamba2-130m --prompt-file essay.txt
  ssm-scope run --onnx exported/model.onnx -l 128,512,1K`,
    )
    .action(async (names: string[], flags: Flags) => {
      const {
        out,
        resume = false,
        memory,
        epOption,
        config,
        onnx,
        name,
        headSize,
        promptFile,
        tokenizer,
        untilWidth,
        remeasure,
        ...rest
      } = flags;
      checkSource(names, flags);
      const [{ run, runOnnx }, { failedCells, printSummary }] = await Promise.all([
        import("../run/index.js"),
        import("./summary.js"),
      ]);
      const models = [...names, ...(await readConfigs(config))];
      const folder = resume ? campaignToResume(out) : (out ?? defaultFolder());
      const document = await documentOf(promptFile, tokenizer, modelFolder(flags));
      const settings = {
        ...rest,
        ...(memory !== undefined && { memoryBytes: memory }),
        ...(epOption && { epOptions: epOption }),
        ...(document && { document }),
        ...(untilWidth !== undefined && { targetWidth: untilWidth }),
        ...(remeasure !== undefined && { remeasure: { budgetS: remeasure } }),
        out: folder,
        resume,
      };
      const table = await interruptible((signal) =>
        onnx === undefined
          ? run({ ...settings, models, signal })
          : runOnnx(onnx, {
              ...settings,
              ...(name !== undefined && { name }),
              ...(headSize !== undefined && { headSize }),
              signal,
            }),
      );
      await printSummary(table);
      console.log(`${table.numRows()} rows in ${join(folder, "rows.jsonl")}`);
      const failed = failedCells(table);
      for (const reason of failed) console.error(reason);
      if (failed.length > 0) throw new ExitError(EXIT.failed);
    });
}

/** Registry names or an exported model, and no option of the one that is given for the other. */
function checkSource(models: readonly string[], { onnx, name, headSize, config = [], weights }: Flags): void {
  const others = [...models, ...config, ...(weights === undefined ? [] : [weights])];
  if (onnx !== undefined && others.length > 0)
    throw new UserError(
      `--onnx takes the place of other models, but ${others.join(", ")} is given too; measure them one after the other, the second with --resume`,
    );
  const stray = name !== undefined ? "--name" : headSize !== undefined ? "--head-size" : null;
  if (onnx === undefined && stray)
    throw new UserError(`${stray} is for an exported model; give it with --onnx`);
}

/** The folder of the one model that is given by its files. */
function modelFolder({ onnx, weights, config = [] }: Flags): string | undefined {
  if (onnx !== undefined) return dirname(onnx);
  if (weights !== undefined) return weights;
  const [only, second] = config;
  if (only === undefined || second !== undefined) return undefined;
  return only.endsWith(".json") ? dirname(only) : only;
}

/** The document of --prompt-file by the tokenizer of the model. */
async function documentOf(
  file: string | undefined,
  tokenizer: string | undefined,
  folder: string | undefined,
): Promise<TokenizedDocument | undefined> {
  if (file === undefined) {
    if (tokenizer !== undefined)
      throw new UserError("--tokenizer is for a document; give it with --prompt-file");
    return undefined;
  }
  const beside = folder === undefined ? undefined : join(folder, "tokenizer.json");
  const path = tokenizer ?? (beside !== undefined && existsSync(beside) ? beside : undefined);
  if (path === undefined)
    throw new UserError(
      `--prompt-file needs the model's tokenizer.json (--tokenizer)${beside === undefined ? "" : `; there is none at ${beside}`}`,
    );
  const { readDocument } = await import("../run/index.js");
  return await readDocument(file, path);
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
