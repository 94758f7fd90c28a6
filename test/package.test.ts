import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { before, test } from "node:test";
import { ensureDist } from "./support/dist.js";

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  exports: Record<string, { types: string; default: string } | string>;
  typesVersions: { "*": Record<string, string[]> };
};

/** What a fresh process prints. */
const printed = (code: string): string =>
  execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }).trim();

before(ensureDist);

test("every door of the package is built, with types that old resolution finds too", () => {
  for (const [door, target] of Object.entries(manifest.exports)) {
    if (typeof target === "string") continue;
    assert.ok(existsSync(target.default) && existsSync(target.types), door);
    if (door !== ".") assert.deepEqual(manifest.typesVersions["*"][door.slice(2)], [target.types.slice(2)]);
    const names = printed(`console.log(Object.keys(await import("ssm-scope${door.slice(1)}")).length)`);
    assert.ok(Number(names) > 0, door);
  }
});

test("importing the library loads no native code: not koffi, not ONNX Runtime, not the drawing", () => {
  const native = `process.report.getReport().sharedObjects.filter((file) => file.endsWith(".node")).join()`;
  assert.equal(printed(`await import("ssm-scope"); console.log(${native})`), "");
});

test("no dependency runs a script on install", () => {
  assert.match(readFileSync(".npmrc", "utf8"), /^ignore-scripts=true$/m);
});
