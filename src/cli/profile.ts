import { Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../errors.js";
import type { ProfileOptions, ProfileResult } from "../run/index.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { addModelOptions, readConfigs, type ModelFlags } from "./model-options.js";
import { addNumericOptions, type NumericFlags } from "./numeric-options.js";
import { parseCount, parseLengths } from "./parse.js";
import { addSettingOptions } from "./setting-options.js";

interface Flags
  extends
    NumericFlags,
    ModelFlags,
    Omit<ProfileOptions, "models" | "epOptions" | "signal" | keyof NumericFlags | keyof ModelFlags> {
  from?: string;
  name?: string;
  skipRuns?: number;
  top: number;
  json?: boolean;
}

export function profileCommand(): Command {
  const command = new Command("profile")
    .description("where the time goes: by class of operators, in passes of their own under the profiler")
    .argument("[models...]", "registry names, see `ssm-scope models`");
  addModelOptions(command)
    .option("-l, --prompt-tokens <list>", "prompt lengths, e.g. 128,512,2K", parseLengths)
    .addOption(
      new Option("--phase <which>", "what to profile (default both)").choices(["prefill", "decode", "both"]),
    )
    .option("--passes <count>", "profiled passes, and as many without the profiler (default 3)", parseCount);
  addSettingOptions(command).option(
    "--beyond-positions",
    "allow sequences longer than the model's positions",
  );
  return addNumericOptions(command)
    .optionsGroup("A profile that ONNX Runtime wrote in another program, instead of models:")
    .option("--from <file>", "its JSON, also packed with gzip")
    .option("--name <name>", "what its rows call the model (default: from the file's name)")
    .option("--skip-runs <count>", "runs at its beginning that do not count (default 0)", parseCount)
    .optionsGroup("Results:")
    .option("-o, --out <folder>", "folder of a campaign, to whose rows.jsonl the rows are appended")
    .option("--trace <file>", "write a trace too: lanes by class, for https://ui.perfetto.dev")
    .option("--top <count>", "nodes to list of each profile", parseCount, 5)
    .option("--json", "everything as one line of JSON: rows, nodes, runs")
    .addHelpText(
      "after",
      `
Profiled passes are slower than others; the table says by how much (inflation). On a GPU, launches wait for their kernels in
them, so that a node's time is that of its kernels, and decode steps are no CUDA graph.

Examples:
  ssm-scope profile mamba-130m gpt-neo-125m -l 256,1K
  ssm-scope profile zamba2-1.2b -l 8K --phase prefill --ep cuda --lowering ssd-matmul --trace zamba2.json
  ssm-scope profile --from onnxruntime_profile__2026-01-01_12-00-00.json --skip-runs 1`,
    )
    .action(async (names: string[], flags: Flags) => {
      const { from, name, skipRuns, top, json = false, epOption, config, ...rest } = flags;
      checkSource(names, flags);
      const { profile, readProfileFile } = await import("../run/index.js");
      const models = [...names, ...(await readConfigs(config))];
      const result =
        from === undefined
          ? await interruptible((signal) =>
              profile({
                ...rest,
                ...(epOption && { epOptions: epOption }),
                ...(json && { progress: "none" as const }),
                models,
                signal,
              }),
            )
          : await readProfileFile(from, {
              ...(name !== undefined && { name }),
              ...(skipRuns !== undefined && { skipRuns }),
              ...phaseOf(rest.phase),
              ...(rest.trace !== undefined && { trace: rest.trace }),
            });
      await print(result, { top, json });
    });
}

const phaseOf = (phase: Flags["phase"]): { phase?: "prefill" | "decode" } =>
  phase === undefined || phase === "both" ? {} : { phase };

/** Models or a file, and no option of the one that is given for the other. */
function checkSource(
  models: readonly string[],
  { from, name, skipRuns, out, config = [], weights }: Flags,
): void {
  const others = [...models, ...config, ...(weights === undefined ? [] : [weights])];
  if (from !== undefined && others.length > 0)
    throw new UserError(
      `--from takes the place of models, but ${others.join(", ")} is given too; profile them one after the other`,
    );
  if (from !== undefined && out !== undefined)
    throw new UserError("--out is for what is measured here; the rows of --from are printed with --json");
  const stray = name !== undefined ? "--name" : skipRuns !== undefined ? "--skip-runs" : null;
  if (from === undefined && stray) throw new UserError(`${stray} is for a profile; give it with --from`);
}

async function print(result: ProfileResult, { top, json }: { top: number; json: boolean }): Promise<void> {
  if (top < 0) throw new InvalidArgumentError(`${top} nodes cannot be listed; give 0 or more.`);
  const { profileView } = await import("./profile-view.js");
  const { text, failures } = profileView(result, top);
  if (json) {
    const { rows, nodes, runs } = result;
    console.log(JSON.stringify({ runs: runs.objects(), rows: rows.objects(), nodes: nodes.objects() }));
  } else console.log(text);
  for (const reason of failures) console.error(reason);
  if (failures.length > 0) throw new ExitError(EXIT.failed);
}
