import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { need } from "./need.js";

const found = spawnSync("gcc", ["--version"]).status === 0;

/** The option of node:test for a test that compiles. */
export const needGcc = need("gcc", found, "`apt-get install gcc libc6-dev`");

interface Build {
  /** Libraries to depend on, as files; they need not be used. */
  needs?: readonly string[];
  soname?: string;
  runpath?: string;
  flags?: readonly string[];
}

/** Compiles C into the shared library `folder/name`, and gives its path. */
export function compile(folder: string, name: string, source: string, build: Build = {}): string {
  const path = join(folder, name);
  const { needs = [], soname, runpath, flags = [] } = build;
  writeFileSync(`${path}.c`, source);
  const link = [
    ...(soname ? [`-Wl,-soname,${soname}`] : []),
    ...(runpath ? [`-Wl,--enable-new-dtags,-rpath,${runpath}`] : []),
  ];
  const args = [
    "-shared",
    "-fPIC",
    ...flags,
    "-o",
    path,
    `${path}.c`,
    "-Wl,--no-as-needed",
    ...link,
    ...needs,
  ];
  const { status, stderr } = spawnSync("gcc", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`gcc ${args.join(" ")}: ${stderr}`);
  return path;
}
