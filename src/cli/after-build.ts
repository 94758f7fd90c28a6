/** The last step of `npm run build`: tsc writes files without the executable bit that the `bin` entry needs. */
import { chmodSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.js", import.meta.url));
if (existsSync(main)) chmodSync(main, 0o755);
