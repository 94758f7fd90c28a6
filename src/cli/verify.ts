import { Command, Option } from "commander";
import type { GateResult, VerifyOptions } from "../run/index.js";
import { addNumericOptions, type NumericFlags } from "./numeric-options.js";
import { addQuantOptions, type QuantFlags } from "./quant-options.js";
import { EXIT, ExitError, interruptible } from "./exit.js";
import { addModelOptions, readConfigs, type ModelFlags } from "./model-options.js";
import { parseCount, parseLengths, parseList } from "./parse.js";

interface Flags extends NumericFlags, ModelFlags, QuantFlags {
  ep: NonNullable<VerifyOptions["ep"]>;
  dtype?: string[];
  lowering?: string[];
  promptTokens?: number[];
  deviceId?: number;
  json?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("the numerical gate: compare an execution provider's logits with float32 on the CPU")
    .argument("[models...]", "registry names, see `ssm-scope models` (default: all)");
  addModelOptions(command)
    .addOption(
      new Option("--ep <provider>", "execution provider to judge").choices(["cpu", "cuda"]).default("cpu"),
    )
    .option(
      "--dtype <list>",
      "of fp16, fp32, bf16, int8 and int4 (default: the floats; on the CPU fp32,fp16)",
      parseList,
    )
    .option(
      "--lowering <list>",
      "of linear-attention, ssd-matmul and fused, and no model without one (default: all that can run)",
      parseList,
    )
    .option(
      "-l, --prompt-tokens <list>",
      "prompt lengths to check besides 1, 64, 130, 192 and 257, e.g. 1K,8K",
      parseLengths,
    )
    .option("--device-id <number>", "which of several GPUs (default 0)", parseCount);
  return addNumericOptions(addQuantOptions(command))
    .option("--json", "every check as JSON, for programs")
    .addHelpText(
      "after",
      `
Each setting (dtype, lowerings of prefill and decoding, with and without CUDA graph) gets the prompts in one piece and in
segments, and 64 decoded tokens. Errors are relative to the reference's largest |logit|. Verdicts are kept in
$XDG_CACHE_HOME/ssm-scope/gate (~/.cache/...); rows of \`run\` say whether their setting passed.

Example: ssm-scope verify mamba2-130m qwen2.5-0.5b --ep cuda --dtype fp16

Exits with 1 when a setting did not pass; one that the provider does not support counts as neither.`,
    )
    .action(
      async (
        names: string[],
        { dtype, lowering, tf32, cudnnConvSearch, epOption, config, weights, json, ...rest }: Flags,
      ) => {
        const { verify, UnfinishedError } = await import("../run/index.js");
        const models = [...names, ...(await readConfigs(config))];
        // What the lists may hold is for verify to say: it knows the models.
        const settings = {
          ...rest,
          ...(models.length > 0 && { models }),
          ...(weights !== undefined && { weights }),
          ...(dtype && { dtypes: dtype }),
          ...(lowering && { lowerings: lowering }),
          ...((tf32 ?? cudnnConvSearch ?? epOption) && {
            cuda: {
              ...(tf32 && { tf32 }),
              ...(cudnnConvSearch && { cudnnConvSearch }),
              ...(epOption && { other: epOption }),
            },
          }),
        } as VerifyOptions;
        try {
          const results = await interruptible((signal) => verify({ ...settings, signal }));
          await print(results, json ?? false);
          if (results.some(({ status }) => status === "failed" || status === "not-run"))
            throw new ExitError(EXIT.failed);
        } catch (error) {
          if (error instanceof UnfinishedError) await print(error.results, json ?? false);
          throw error;
        }
      },
    );
}

/** A table a model: one for all would be cut, and a reader compares settings of one model. */
async function print(results: readonly GateResult[], json: boolean): Promise<void> {
  if (json) {
    console.log(JSON.stringify(results, null, 2));
    return;
  }
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
