/** The build that kernels and headless cells run from. `npm test` makes it; a test file alone may find none. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

export const DIST = join(ROOT, "dist");

/** Builds when nothing is built; a stale build is the caller's to renew (`npm run build`). */
export function ensureDist(): void {
  if (!existsSync(join(DIST, "cli", "notebook", "cells-main.js")))
    execFileSync("npm", ["run", "--silent", "build"], { cwd: ROOT, stdio: "inherit" });
}
