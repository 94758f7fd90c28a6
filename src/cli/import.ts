import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { Command } from "commander";
import { UserError } from "../errors.js";
import { collectOption } from "./parse.js";

interface Flags {
  out: string;
  format?: string;
  set?: Record<string, string>;
}

const HELP = `
Formats, told by their content: llama-bench (-o json, jsonl, csv), vllm bench serve and latency (JSON), AIPerf and GenAI-Perf
(profile_export*.json, jsonl), ELANA's log, the lines of test/bench/peer_torch.py (transformers and mamba_ssm), and SSM-Scope's
own files (generation_times.csv, tpot_times.csv, iteration_times.csv, memory_footprints.csv, energy_data.csv, profile_data). In a
folder, files of other formats are left alone.

Rows keep their engine (ep), how they were measured (method) and their file (source); a model that the registry knows has its
name there, so that rows join ours. Time in a server's queue is in the times of serving benchmarks: with more than one request
at once they are marked suspect.

Examples:
  ssm-scope import bench.json -o out/llama.cpp
  ssm-scope import latency.json -o out/vllm --set model=qwen2.5-0.5b --set prompt_tokens=1024 --set new_tokens=128 --set batch=1
  ssm-scope import SSM-Scope/ispass_ae/notebooks -o out/artifact --set device=rtx4090`;

export function importCommand(): Command {
  return new Command("import")
    .description("other tools' results as rows of ours: llama-bench, vLLM, AIPerf, ELANA, SSM-Scope")
    .argument("<files...>", "files, or folders of them")
    .requiredOption("-o, --out <folder>", "the folder of the new campaign")
    .option("--format <name>", "the format, where the content does not tell")
    .option(
      "--set <column=value>",
      "a column that the files do not hold, e.g. device=rtx4090; repeatable",
      collectOption,
    )
    .addHelpText("after", HELP)
    .action(importFiles);
}

async function importFiles(files: string[], { out, format, set }: Flags): Promise<void> {
  const [{ formatJsonLines, parseColumns, ROWS_FILE }, { importRows }, { REGISTRY }] = await Promise.all([
    import("../record/index.js"),
    import("../import/index.js"),
    import("../models/index.js"),
  ]);
  const target = join(out, ROWS_FILE);
  if (existsSync(target))
    throw new UserError(`${out} already holds a campaign; choose another folder (--out)`);
  const rows = files.flatMap((file) =>
    importRows(file, {
      ...(format !== undefined && { format }),
      ...(set && { set: parseColumns(set, "--set") }),
      models: REGISTRY,
      campaign: basename(resolve(out)),
    }),
  );
  const { writeWhole } = await import("../record/whole-file.js");
  await writeWhole(target, formatJsonLines(rows));
  const sources = new Set(rows.map(({ source }) => source));
  console.log(`${rows.length} rows of ${sources.size} ${sources.size === 1 ? "file" : "files"} in ${target}`);
}
