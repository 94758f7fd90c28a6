import { Command } from "commander";
import { interruptible } from "./exit.js";

const OUT = "out/quick";

/**
 * A Transformer and an SSM of one size; the longest prompt fills the Transformer's 2048 positions. In segments of 1024 the
 * SSM's work space stays under 0.7 GB and its time linear; the Transformer is as fast as in one piece.
 */
const SETTINGS = {
  models: ["gpt-neo-125m", "mamba2-130m"],
  promptTokens: [128, 256, 512, 1024, 2032],
  segmentTokens: 1024,
  newTokens: 16,
  repeats: 5,
};

export function quickCommand(): Command {
  return new Command("quick")
    .description("measure a small Transformer and a small SSM here, fit, draw, and write a report")
    .option("-o, --out <folder>", "folder of the campaign and its report", OUT)
    .option("--fresh", "measure anew: rows of an earlier run are kept beside, under another name")
    .addHelpText("after", "\nCells that OUT already holds are not measured again.")
    .action(async ({ out, fresh = false }: { out: string; fresh?: boolean }) => {
      const { quick } = await import("./quick-run.js");
      await interruptible((signal) => quick({ ...SETTINGS, out, fresh, signal }));
    });
}
