import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { configFile, parseConfig, readConfig } from "../../src/ort/config.js";
import { openRuntimeLibrary } from "../../src/ort/library.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-config-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("the file is where the XDG specification has it", () => {
  assert.equal(configFile({}, "/home/me"), "/home/me/.config/ssm-scope/config.json");
  assert.equal(configFile({ XDG_CONFIG_HOME: "/etc/x" }, "/home/me"), "/etc/x/ssm-scope/config.json");
  assert.equal(
    configFile({ XDG_CONFIG_HOME: "relative" }, "/home/me"),
    "/home/me/.config/ssm-scope/config.json",
  );
});

test("no file, and other settings, are no error", () => {
  assert.deepEqual(readConfig(join(folder, "nowhere.json")), {});
  assert.deepEqual(parseConfig('{"theme": "dark"}', "f"), {});
  assert.deepEqual(parseConfig('{"ort": "/opt/libonnxruntime.so"}', "f"), { ort: "/opt/libonnxruntime.so" });
});

const WRONG: [string, RegExp][] = [
  ["{", /^\/f is not JSON: /],
  ["[]", /^\/f must hold an object, such as \{"ort": "\/path\/to\/libonnxruntime\.so"\}\.$/],
  ["null", /^\/f must hold an object/],
  ['{"ort": 3}', /^"ort" in \/f is 3; it must be the absolute path of an ONNX Runtime library\.$/],
  ['{"ort": "lib/x.so"}', /^"ort" in \/f is "lib\/x\.so"; it must be the absolute path/],
];
for (const [text, message] of WRONG)
  test(`${text} is one sentence`, () => {
    assert.throws(() => parseConfig(text, "/f"), { name: "UserError", message });
  });

test("a file that cannot be read is one sentence", () => {
  assert.throws(() => readConfig(folder), { name: "UserError", message: /cannot be read: EISDIR/ });
});

test("the option goes before the environment, that before the configuration, and that before onnxruntime-node", () => {
  const real = openRuntimeLibrary().path;
  const [option, variable, configured] = ["option.so", "variable.so", "configured.so"].map((name) => {
    const path = join(folder, name);
    symlinkSync(real, path);
    return path;
  }) as [string, string, string];
  mkdirSync(join(folder, "ssm-scope"));
  const file = join(folder, "ssm-scope", "config.json");
  writeFileSync(file, JSON.stringify({ ort: configured }));

  const chosen = (environment: NodeJS.ProcessEnv, library = ""): { path: string; source: string } => {
    const code = `import { chooseRuntime } from "./src/ort/library.js";
      console.log(JSON.stringify(chooseRuntime(process.argv[1] || undefined)));`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "--input-type=module", "-e", code, library],
      { encoding: "utf8", env: { ...process.env, SSM_SCOPE_ORT: "", ...environment } },
    );
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout) as { path: string; source: string };
  };
  const both = { XDG_CONFIG_HOME: folder, SSM_SCOPE_ORT: variable };
  assert.deepEqual(chosen(both, option), { path: option, source: "the `library` option" });
  assert.deepEqual(chosen(both), { path: variable, source: "SSM_SCOPE_ORT" });
  assert.deepEqual(chosen({ XDG_CONFIG_HOME: folder }), { path: configured, source: `"ort" in ${file}` });
  assert.equal(chosen({ XDG_CONFIG_HOME: join(folder, "nothing") }).source, "onnxruntime-node");
  writeFileSync(file, "no JSON");
  assert.equal(chosen(both).path, variable, "a configuration that nobody asks cannot be wrong");
});
