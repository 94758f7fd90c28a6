import { createRequire } from "node:module";
import { join } from "node:path";
import type { CellHandler } from "./cell-handler.js";

/**
 * Imports every name of the library, and `run`, as they are found from the notebook's folder. A kernel without them is
 * still one of TypeScript, so trouble is told with the first cell and ends nothing.
 */
export async function preload(handler: CellHandler): Promise<void> {
  const failed = (reason: string): void => {
    handler.notify({ stream: "stderr", text: `The library could not be preloaded: ${reason}` });
  };
  try {
    const error = await handler.prepare(preloadingCell(process.cwd()));
    if (error) failed(error.traceback.join("\n"));
  } catch (error) {
    failed((error as Error).message);
  }
}

function preloadingCell(folder: string): string {
  const library = createRequire(join(folder, "cell.js"))("ssm-scope") as object;
  return [
    `import { ${Object.keys(library).join(", ")} } from "ssm-scope";`,
    'import { run } from "ssm-scope/run";',
  ].join("\n");
}
