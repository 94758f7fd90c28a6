import { createRequire } from "node:module";
import { join } from "node:path";

/** A cell that imports every name of the library, and `run`, as they are found from the notebook's folder. */
export function preloadingCell(folder: string): string {
  const library = createRequire(join(folder, "cell.js"))("ssm-scope") as object;
  return [
    `import { ${Object.keys(library).join(", ")} } from "ssm-scope";`,
    'import { run } from "ssm-scope/run";',
  ].join("\n");
}
