import { Command } from "commander";

export function modelsCommand(): Command {
  return new Command("models")
    .description("list the models that can be measured")
    .option("--json", "as JSON, for programs")
    .action(async ({ json }: { json?: boolean }) => {
      const { registryRows } = await import("../models/index.js");
      const rows = registryRows();
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
