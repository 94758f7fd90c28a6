import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { gencode } from "./capability.js";
import type { Compiler } from "./compiler.js";
import type { OperatorsEp } from "./library.js";

/** A library to be made: everything that decides its bytes. */
export interface BuildPlan {
  readonly ep: OperatorsEp;
  readonly compiler: Compiler;
  readonly architectures: readonly string[];
  /** Hash of the sources. */
  readonly sources: string;
  /** All arguments but the output's; files are in the sources' folder, where the compiler is to run. */
  readonly args: readonly string[];
  /** Name of the folder it is kept in. */
  readonly key: string;
}

const COMMON = ["-O3", "-std=c++17"];

/** @param architectures a CPU's signature, or compute capabilities */
export function planBuild(
  ep: OperatorsEp,
  compiler: Compiler,
  architectures: readonly string[],
  sources: string,
): BuildPlan {
  // Made on the machine it runs on, so for that very CPU; but no -ffast-math, which would drop NaN and infinity.
  const args =
    ep === "cpu"
      ? [...COMMON, "-march=native", "-shared", "-fPIC", "-fvisibility=hidden", "operators.cc", "cpu.cc"]
      : [
          ...COMMON,
          "--shared",
          "-Xcompiler",
          "-fPIC,-fvisibility=hidden",
          "-cudart",
          "static",
          // pip's toolkit has its libraries where its own nvcc does not look.
          `-L${join(dirname(dirname(compiler.path)), "lib")}`,
          ...architectures.map(gencode),
          "-x",
          "cu",
          "operators.cc",
          "cuda.cu",
        ];
  const decides = JSON.stringify([ep, sources, compiler.version, architectures, args]);
  const key = `${ep}-${createHash("sha256").update(decides).digest("hex").slice(0, 16)}`;
  return { ep, compiler, architectures, sources, args, key };
}
