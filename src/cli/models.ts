import { Command } from "commander";
import { addConfigOption, readConfigs, type ModelFlags } from "./model-options.js";

interface Flags extends Pick<ModelFlags, "config"> {
  json?: boolean;
}

export function modelsCommand(): Command {
  return addConfigOption(
    new Command("models").description(
      "list the models that can be measured, or what a config.json describes",
    ),
  )
    .option("--json", "as JSON, for programs")
    .action(async ({ json, config }: Flags) => {
      const { registryRows, modelRow } = await import("../models/index.js");
      const rows = config ? (await readConfigs(config)).map(modelRow) : registryRows();
      if (json) {
        console.log(JSON.stringify(rows, null, 2));
        return;
      }
      const { show } = await import("../notebook/display.js");
      await show(
        rows.map(
          ({
            source,
            hf_id,
            provisional,
            weights_bytes_fp16,
            weights_bytes_int8,
            weights_bytes_int4,
            ...shown
          }) => shown,
        ),
      );
      console.log(
        "KV cache and state in bytes at fp16, batch 1. --json also gives the source of each entry, what of it is not published, and the bytes of its weights.",
      );
    });
}
