import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { UserError } from "../errors.js";
import type { PlanOptions } from "../run/index.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { collect } from "./parse.js";

/** Keys of a plan that are options here too, with what to say of them. Their values are read as the plan's are. */
const PLAN_FLAGS: readonly (readonly [flags: string, about: string])[] = [
  ["-m, --models <list>", "registry names, separated by commas"],
  ["-l, --prompt-tokens <list>", "prompt lengths and ranges, e.g. 512,1K..64K*2"],
  ["-n, --new-tokens <list>", "tokens to generate (default 16)"],
  ["-r, --repeats <count>", "samples of every cell (default 5)"],
  ["-b, --batch <list>", "sequences processed together (default 1)"],
  ["--weights <folder>", "a checkpoint (safetensors) of the one model (default: random weights)"],
  ["--ep <list>", "execution providers: cpu, cuda (default cpu)"],
  ["--device-id <number>", "which GPU, as CUDA counts them (default 0)"],
  ["--dtype <list>", "fp32, fp16, bf16, int8, int4 (default fp32, on a GPU fp16)"],
  ["--lowering <list>", "how SSM blocks are expressed: auto, linear-attention, ssd-matmul, fused"],
  ["--decode-lowering <list>", "the same for decoding"],
  ["--prefill <list>", "chunked, monolithic (default chunked)"],
  [
    "--segment-tokens <list>",
    "longest segments of a chunked prefill (default 8192; on a GPU 32768 is faster, for more memory)",
  ],
  ["--logits <list>", "last, all (default last)"],
  ["--threads <list>", "threads of an operator"],
  [
    "--memory <list>",
    "budgets that emulate smaller devices, e.g. 8GiB,24GB,none; on a CPU of resident memory",
  ],
  ["--like <list>", "the same by the names of GPUs: rtx4090, orin-nano"],
  ["--seed <list>", "seeds of random weights and prompts (default 1)"],
];

/** The same for how the sweep is carried out. */
const SWEEP_FLAGS: readonly (readonly [flags: string, about: string])[] = [
  ["--order <how>", "blocks: every block takes each cell once, shuffled (default); sequential: cell by cell"],
  ["--order-seed <number>", "seed of the order in blocks (default: a random one, which the rows say)"],
  ["--isolate <how>", "a process a cell, for the cells of a model, or none (default cell)"],
  ["--timeout <time>", "longest time of a cell, e.g. 90 (seconds), 5min"],
  ["--pause <time>", "time to wait between cells"],
  [
    "--cool-to <degrees>",
    "wait before each cell until the device is no hotter than this, in degrees Celsius",
  ],
  [
    "--warm-up-tolerance <share>",
    "warm up until the time to first token changes by less than this (default 0.05)",
  ],
  ["--warm-up-block <count>", "compare medians of so many warm-up runs (default 1)"],
  ["--warm-up-runs <count>", "most warm-up runs (default 4)"],
];

interface Flags {
  out?: string;
  resume?: boolean;
  dryRun?: boolean;
  rows?: string;
  shard?: string;
  except?: string[];
  json?: boolean;
  [planKey: string]: unknown;
}

export function sweepCommand(): Command {
  const command = new Command("sweep")
    .description(
      "measure the cells of a plan: models, lengths and settings crossed; rows go to OUT/rows.jsonl",
    )
    .argument(
      "[plan]",
      "a .json, .ts, .mjs or .js file (default export); options count more than what it says",
    );
  const add = (flags: readonly (readonly [string, string])[]): void => {
    for (const [flag, about] of flags) command.addOption(new Option(flag, about));
  };
  command.optionsGroup("What to measure; lists are crossed:");
  add(PLAN_FLAGS);
  command.option("--beyond-positions", "allow sequences longer than the model's positions");
  command.optionsGroup("How:");
  add(SWEEP_FLAGS);
  return command
    .option("--energy", "measure joules too, where a sensor tells them")
    .option("--bisect", "find the longest prompt that fits, to 2 %, where one of the lengths does not")
    .optionsGroup("The campaign:")
    .option("-o, --out <folder>", "folder of the campaign")
    .option("--resume", "go on with the campaign in OUT: only what is missing is measured")
    .option("--shard <i/n>", "only the i-th of n parts, e.g. 2/4; its rows go to OUT/shard-2-of-4")
    .option(
      "--except <folder>",
      "leave out cells that this campaign holds whole, also of another machine; may be repeated",
      collect,
    )
    .option("--dry-run", "print the cells, what they will likely take, and which cannot fit")
    .option("--rows <folder>", "earlier rows to predict from (default: those in OUT)")
    .option("--json", "print the dry run, or what became of the cells, for programs")
    .addHelpText(
      "after",
      `
Examples:
  ssm-scope sweep -m qwen2.5-0.5b,mamba2-780m -l "1K..128K*2" --ep cuda --bisect -o out/limits
  ssm-scope sweep plan.json --dry-run --rows out/limits
  ssm-scope sweep plan.json -o out/night --timeout 10min --cool-to 55 --resume
  ssm-scope sweep plan.json -o out/second-gpu --except out/first-gpu`,
    )
    .action(async (file: string | undefined, flags: Flags) => {
      const { out, resume = false, dryRun = false, rows, shard, except = [], json = false, ...given } = flags;
      const [{ parseShard, planSweep }, { readPlan }, { loadRows, tableToRows }] = await Promise.all([
        import("../run/index.js"),
        import("./sweep/read-plan.js"),
        import("../record/index.js"),
      ]);
      const options: PlanOptions = {
        flags: given,
        resume,
        except: except.flatMap((folder) => tableToRows(loadRows(folder))),
        ...(shard !== undefined && { shard: parseShard(shard) }),
        ...(out !== undefined && { out }),
      };
      const source = file === undefined ? {} : await readPlan(file);
      const planned = planSweep(source, options);
      if (dryRun) {
        await dry(planned, rows ?? out, json);
        return;
      }
      if (out === undefined) throw new UserError("the sweep needs --out, the folder of its campaign");
      if (resume && !existsSync(out) && !shard)
        throw new UserError(`there is no campaign in ${out} to go on with`);
      if (planned.cells.length === 0) {
        const where = shard === undefined ? "the plan" : `shard ${shard}`;
        console.log(
          `${where} has no cell${except.length > 0 ? ` that is not in ${except.join(" or ")}` : ""}`,
        );
        return;
      }
      await measure(planned, planned.options.out!, json);
    });
}

type Planned = ReturnType<typeof import("../run/index.js").planSweep>;

async function dry(planned: Planned, from: string | undefined, json: boolean): Promise<void> {
  const [{ predictSweep }, { loadRows, tableToRows }, { predictionRow, printDryRun }] = await Promise.all([
    import("../run/index.js"),
    import("../record/index.js"),
    import("./sweep/dry-run.js"),
  ]);
  const given = from !== undefined && existsSync(join(from, "rows.jsonl"));
  if (from !== undefined && !given && !existsSync(from) && planned.options.out !== from)
    throw new UserError(`there are no rows in ${from} to predict from`);
  const predictions = predictSweep(planned, given ? tableToRows(loadRows(from)) : []);
  if (json) console.log(JSON.stringify(predictions.map(predictionRow), null, 2));
  else await printDryRun(predictions);
}

async function measure({ cells, options }: Planned, folder: string, json: boolean): Promise<void> {
  const [{ runCells }, { failedCells, printSummary }] = await Promise.all([
    import("../run/run.js"),
    import("./summary.js"),
  ]);
  const table = await interruptible((signal) => runCells(cells, { ...options, signal }));
  const failed = failedCells(table);
  const file = join(folder, "rows.jsonl");
  if (json) {
    const { statusCounts } = await import("./sweep/status-counts.js");
    console.log(JSON.stringify({ file, rows: table.numRows(), cells: statusCounts(table), failed }, null, 2));
  } else {
    await printSummary(table);
    console.log(`${table.numRows()} rows in ${file}`);
  }
  for (const reason of failed) console.error(reason);
  if (failed.length > 0) throw new ExitError(EXIT.failed);
}
