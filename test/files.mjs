/**
 * Prints the files that `node --test` is to run. Each is a process of its own, and most of a small test's time is the loading of
 * what it tests: folders whose tests touch nothing outside their process share one, which halves what they take. There a test
 * begins before the rest of its file is read, so what it needs stands above it.
 */
import console from "node:console";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const TOGETHER = [
  ["analyze"],
  ["figures"],
  ["bench", "claims", "data", "graph", "import", "record", "stats"],
];

const inFolder = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(folder, name))
    .sort();

const shared = TOGETHER.map((folders) => {
  const file = join("out", "tests", `${folders.join("-")}.mjs`);
  const urls = folders.flatMap((folder) => inFolder(join("test", folder))).map((path) => pathToFileURL(path));
  mkdirSync(join("out", "tests"), { recursive: true });
  writeFileSync(file, urls.map((url) => `await import("${url}");\n`).join(""));
  return file;
});
const together = new Set(TOGETHER.flat().flatMap((folder) => inFolder(join("test", folder))));
console.log([...shared, ...inFolder("test").filter((file) => !together.has(file))].join("\n"));
