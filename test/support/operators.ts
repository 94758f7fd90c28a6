/** The fused operators of the CPU, compiled once for all tests. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { buildOperators } from "../../src/ort/ops/build.js";
import { need } from "./need.js";

// Beside what other tests make, so that nothing depends on what this user has built.
process.env.SSM_SCOPE_OPS = resolve(import.meta.dirname, "../../out/ops");

/** The option of node:test for a test that needs the fused operators. */
export const needOperators = need(
  "g++",
  spawnSync("g++", ["--version"]).status === 0,
  "`apt-get install g++`",
);

/** Path of the library. */
export function cpuOperators(): string {
  const [result] = buildOperators({ eps: ["cpu"] });
  if (!result?.library) throw new Error(`the operators did not compile: ${result?.problem}`);
  return result.library;
}
