/** A sweep of isolated cells for isolated.test.ts to stop: `isolated-parent.ts FOLDER PRELOAD`. SIGTERM exits at once. */
import { runCells } from "../../src/run/run.js";
import { tinyCells } from "../support/tiny-cells.js";

const [, , out, preload] = process.argv;
process.on("SIGTERM", () => process.exit(130));
await runCells(tinyCells({ promptTokens: [8], newTokens: 2, repeats: 1000 }), {
  isolate: "cell",
  progress: "none",
  out: out!,
  preload: [preload!],
});
