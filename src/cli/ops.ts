import { Command, Option } from "commander";
import type { BuildResult, OperatorsEp } from "../ort/ops/index.js";
import { EXIT, ExitError } from "./exit.js";
import { parseList } from "./parse.js";

interface Flags {
  ep?: OperatorsEp;
  arch?: string[];
  force?: true;
  json?: true;
}

const HELP = `
The operators are SelectiveScan, SsdScan and CausalConv, behind \`run --lowering fused\`; measured models use them by default once
they are built. Libraries are kept in $XDG_CACHE_HOME/ssm-scope/ops (~/.cache/..., or the folder SSM_SCOPE_OPS), by sources, compiler
and architecture. The CPU's needs g++, c++ or clang++; a GPU's needs nvcc (a CUDA toolkit, or pip's nvidia-cuda-nvcc) and g++.

Exits with 1 when something that was to be compiled did not compile.

Examples:
  ssm-scope ops build
  ssm-scope ops build --ep cuda --arch 90      on a machine without that GPU`;

export function opsCommand(): Command {
  return new Command("ops").description("our own operators for state-space models").addCommand(
    new Command("build")
      .description("compile them for this CPU, and for the GPUs found")
      .addOption(new Option("--ep <name>", "only for this execution provider").choices(["cpu", "cuda"]))
      .option(
        "--arch <list>",
        "compute capabilities to compile for, e.g. 90,8.9 (default: the GPUs')",
        parseList,
      )
      .option("--force", "compile even what is there")
      .option("--json", "say what was done as JSON, for programs")
      .addHelpText("after", HELP)
      .action(build),
  );
}

async function build({ ep, arch, force, json }: Flags): Promise<void> {
  const { buildOperators } = await import("../ort/ops/index.js");
  if (!json) console.error("compiling; this takes up to two minutes");
  const results = buildOperators({
    ...(ep && { eps: [ep] }),
    ...(arch && { architectures: arch }),
    force: force ?? false,
  });
  if (json) console.log(JSON.stringify(results, null, 2));
  else for (const result of results) console.log(describe(result));
  if (results.some(({ library }) => library === null)) throw new ExitError(EXIT.failed);
}

function describe({
  ep,
  status,
  library,
  compiler,
  architectures,
  seconds,
  log,
  problem,
}: BuildResult): string {
  const name =
    ep === "cpu" ? "CPU" : `CUDA (${architectures.map((one) => `sm_${one}`).join(", ") || "no GPU"})`;
  switch (status) {
    case "built":
      return `${name}: built in ${seconds} s by ${compiler}: ${library}`;
    case "found":
      return `${name}: was built already: ${library}`;
    case "failed":
      return `${name}: did not compile: ${problem} (all of it: ${log})`;
    case "impossible":
      return `${name}: ${problem}`;
  }
}
