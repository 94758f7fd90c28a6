import { Command, Option } from "commander";
import { UserError } from "../errors.js";
import type { Model } from "../models/index.js";
import type { ArchitectureOptions, ArchitectureRow, GateResult, VerifyOptions } from "../run/index.js";
import { addNumericOptions, type NumericFlags } from "./numeric-options.js";
import { addQuantOptions, type QuantFlags } from "./quant-options.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { addModelOptions, readConfigs, type ModelFlags } from "./model-options.js";
import { parseCount, parseLengths, parseList } from "./parse.js";

interface Flags extends NumericFlags, ModelFlags, QuantFlags {
  ep: NonNullable<VerifyOptions["ep"]>;
  all?: boolean;
  dtype?: string[];
  lowering?: string[];
  promptTokens?: number[];
  deviceId?: number;
  json?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "the numerical gate: architectures against Hugging Face transformers, models against float32 on the CPU",
    )
    .argument("[models...]", "registry names, see `ssm-scope models` (default: every architecture instead)");
  addModelOptions(command)
    .option("--all", "every architecture, and then, on a GPU, every model of the registry that fits")
    .addOption(
      new Option("--ep <provider>", "execution provider to judge").choices(["cpu", "cuda"]).default("cpu"),
    )
    .option(
      "--dtype <list>",
      "of fp16, fp32 and bf16 (default: all, on the CPU fp32,fp16; of architectures the provider's own), int8 and int4",
      parseList,
    )
    .option(
      "--lowering <list>",
      "of linear-attention, ssd-matmul and fused, and no model without one, or auto: what `run` takes (default: all)",
      parseList,
    )
    .option(
      "-l, --prompt-tokens <list>",
      "prompt lengths to check besides 1, 64, 130, 192 and 257, e.g. 1K,8K",
      parseLengths,
    )
    .option("--device-id <number>", "which of several GPUs (default 0)", parseCount);
  return addQuantOptions(addNumericOptions(command))
    .option("--json", "every check as JSON, for programs")
    .addHelpText(
      "after",
      `
Without models every architecture is put to its oracle, in seconds: tiny random checkpoints whose logits transformers gave,
or a float64 recurrence.

With models each setting (dtype, lowerings of prefill and decoding, with and without CUDA graph) gets the prompts in one piece and
in segments, and 64 decoded tokens. Errors are relative to the reference's largest |logit|. Verdicts are kept in
$XDG_CACHE_HOME/ssm-scope/gate (~/.cache/...); rows of \`run\` say whether their setting passed. With --all models get the
lowerings that \`run\` takes, unless others are given.

Example: ssm-scope verify mamba2-130m qwen2.5-0.5b --ep cuda --dtype fp16

Exits with 1 when a setting did not pass; one that the provider does not support counts as neither.`,
    )
    .action(async (names: string[], flags: Flags) => {
      const { all = false, config = [], weights, json = false } = flags;
      const named = [...names, ...config, ...(weights === undefined ? [] : [weights])];
      if (all && named.length > 0)
        throw new UserError(
          `--all is every model, but ${named.join(", ")} is given too; leave one of them out`,
        );
      // On the CPU float32 is what models are judged by.
      const judged = named.length > 0 || (all && flags.ep === "cuda");
      const architectures = named.length > 0 ? [] : await proveArchitectures(flags, judged);
      if (!json && architectures.length > 0) await printArchitectures(architectures);
      if (!judged) {
        if (json) console.log(JSON.stringify(architectures, null, 2));
        failIf(architectures.map(({ verdict }) => verdict));
        return;
      }
      const models = [...names, ...(await readConfigs(config))];
      const { verify, UnfinishedError } = await import("../run/index.js");
      const report = async (results: readonly GateResult[]): Promise<void> => {
        if (!json) await print(results);
        else console.log(JSON.stringify(all ? { architectures, models: results } : results, null, 2));
      };
      try {
        const results = await interruptible((signal) => verify({ ...gateOptions(flags, models), signal }));
        await report(results);
        failIf([...architectures.map(({ verdict }) => verdict), ...results.map(({ status }) => status)]);
      } catch (error) {
        if (error instanceof UnfinishedError) await report(error.results);
        throw error;
      }
    });
}

function failIf(verdicts: readonly GateResult["status"][]): void {
  if (verdicts.some((verdict) => verdict === "failed" || verdict === "not-run"))
    throw new ExitError(EXIT.failed);
}

/** Options that say how models are judged. */
const FOR_MODELS = [
  "lowering",
  "promptTokens",
  "tf32",
  "cudnnConvSearch",
  "epOption",
  "quantBlock",
  "quantCompute",
] as const satisfies (keyof Flags)[];

/** @param judged whether models follow, which options may be for */
async function proveArchitectures(flags: Flags, judged: boolean): Promise<ArchitectureRow[]> {
  const { ep, dtype, deviceId } = flags;
  const stray = judged ? undefined : FOR_MODELS.find((name) => flags[name] !== undefined);
  if (stray)
    throw new UserError(
      `--${stray.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is for models, and none is given; name one`,
    );
  const { verifyArchitectures } = await import("../run/index.js");
  const floats = judged ? dtype?.filter((name) => !name.startsWith("int")) : dtype;
  const settings = {
    ep,
    ...(floats && (floats.length > 0 || !judged) && { dtypes: floats }),
    ...(deviceId !== undefined && { deviceId }),
  } as ArchitectureOptions;
  return await interruptible((signal) => verifyArchitectures({ ...settings, signal }));
}

async function printArchitectures(rows: readonly ArchitectureRow[]): Promise<void> {
  const { show } = await import("../notebook/display.js");
  await show(rows.map(({ reason: _, ...row }) => row));
  for (const { architecture, reason } of rows) if (reason !== null) console.log(`${architecture}: ${reason}`);
}

/** What the lists may hold is for verify to say: it knows the models. */
function gateOptions(
  { dtype, lowering, tf32, cudnnConvSearch, epOption, all, weights, config: _, json: __, ...rest }: Flags,
  models: readonly (string | Model)[],
): VerifyOptions {
  const lowerings = lowering?.join() === "auto" || (all && !lowering) ? "auto" : lowering;
  return {
    ...rest,
    ...(models.length > 0 && { models }),
    ...(weights !== undefined && { weights }),
    ...(dtype && { dtypes: dtype }),
    ...(lowerings && { lowerings }),
    ...((tf32 ?? cudnnConvSearch ?? epOption) && {
      cuda: {
        ...(tf32 && { tf32 }),
        ...(cudnnConvSearch && { cudnnConvSearch }),
        ...(epOption && { other: epOption }),
      },
    }),
  } as VerifyOptions;
}

/** A table a model: one for all would be cut, and a reader compares settings of one model. */
async function print(results: readonly GateResult[]): Promise<void> {
  const [{ gateRow, describeSetting }, { show }] = await Promise.all([
    import("../run/index.js"),
    import("../notebook/display.js"),
  ]);
  for (const model of new Set(results.map((result) => result.model))) {
    const mine = results.filter((result) => result.model === model);
    await show(mine.map(gateRow));
    for (const reason of new Set(mine.map((result) => result.reason)))
      if (reason !== null) {
        const [first, ...more] = mine.filter((result) => result.reason === reason);
        console.log(
          `${describeSetting(first!)}${more.length > 0 ? ` and ${more.length} more` : ""}: ${reason}`,
        );
      }
  }
}
